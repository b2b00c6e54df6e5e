/** Load generator, side-by-side harness and micro-benchmarks. */
@NullMarked
package ironcache.bench;

import org.jspecify.annotations.NullMarked;
