/** The operator's command line, ironcache-tool. */
@NullMarked
package ironcache.tools;

import org.jspecify.annotations.NullMarked;
