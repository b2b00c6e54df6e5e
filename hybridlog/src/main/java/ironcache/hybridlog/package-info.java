/** Record, page and address layouts, and the log's regions in RAM. */
@NullMarked
package ironcache.hybridlog;

import org.jspecify.annotations.NullMarked;
