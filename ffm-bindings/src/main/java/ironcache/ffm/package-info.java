/** Off-heap memory, io_uring, and the seam through which all I/O, time and chance go. */
@NullMarked
package ironcache.ffm;

import org.jspecify.annotations.NullMarked;
