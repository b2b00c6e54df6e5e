/** Off-heap memory, io_uring, and the seam through which all I/O, time and chance go. */
module ironcache.ffm {
    requires static transitive org.jspecify;

    exports ironcache.ffm;
}
