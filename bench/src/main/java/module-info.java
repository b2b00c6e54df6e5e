/** Load generator, side-by-side harness and micro-benchmarks. */
module ironcache.bench {
    requires transitive ironcache.resp;
    requires static transitive org.jspecify;
    requires HdrHistogram;
    requires info.picocli;
    requires java.desktop;
    requires jmh.core;
    requires me.tongfei.progressbar;
    requires xchart;

    opens ironcache.bench to
            info.picocli;
}
