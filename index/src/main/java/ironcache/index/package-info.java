/** The segmented extendible hash index; the one module that reads the Vector API. */
@NullMarked
package ironcache.index;

import org.jspecify.annotations.NullMarked;
