/** Parity of files that are written no more: what restores a number of damaged blocks of each. */
@NullMarked
package ironcache.parity;

import org.jspecify.annotations.NullMarked;
