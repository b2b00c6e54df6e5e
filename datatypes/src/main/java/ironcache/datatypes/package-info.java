/** Redis's data types as records and pages over the engine; knows nothing of RESP. */
@NullMarked
package ironcache.datatypes;

import org.jspecify.annotations.NullMarked;
