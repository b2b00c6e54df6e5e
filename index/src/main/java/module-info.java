/** The segmented extendible hash index; the one module that reads the Vector API. */
module ironcache.index {
    requires transitive ironcache.ffm;
    requires jdk.incubator.vector;
    requires static transitive org.jspecify;

    exports ironcache.index;
}
