/** Parity of files that are written no more: what restores a number of damaged blocks of each. */
module ironcache.parity {
    requires transitive ironcache.ffm;
    requires hdds.erasurecode;
    requires static transitive org.jspecify;

    exports ironcache.parity;
}
