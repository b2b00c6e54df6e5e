/** Redis's data types as records and pages over the engine; knows nothing of RESP. */
module ironcache.datatypes {
    requires transitive ironcache.engine;
    requires static transitive org.jspecify;

    exports ironcache.datatypes;
}
