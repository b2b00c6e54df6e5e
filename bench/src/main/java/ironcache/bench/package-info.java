/** Load generator, side-by-side harness and micro-benchmarks. */
package ironcache.bench;
