package ironcache.resp;

import java.io.IOException;

/** The TOML file that the server was started with; the file API behind it is {@link Server}'s. */
interface ConfigFile {
    /** As given on the command line, absolute. */
    String path();

    String read() throws IOException;

    /** Replaces the contents atomically. */
    void write(String text) throws IOException;
}
