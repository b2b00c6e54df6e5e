package ironcache.resp;

/** Unwinds a streaming command until its connection's output has drained; stackless and single, like ColdMiss. Caught in the executor. */
final class OutputFull extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final OutputFull SIGNAL = new OutputFull();

    private OutputFull() {
        super(null, null, false, false);
    }
}
