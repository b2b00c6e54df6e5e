/** Load generator, side-by-side harness and micro-benchmarks. */
module ironcache.bench {
    requires transitive ironcache.resp;
    requires static org.jspecify;
}
