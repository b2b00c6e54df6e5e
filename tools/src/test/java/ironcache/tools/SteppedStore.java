package ironcache.tools;

import java.util.List;

/**
 * A store whose every step somebody else decides on: a model, or simulated shards with their mailboxes, disk and
 * network. All in the caller's thread, and the same calls with the same seed lead to the same replies.
 */
interface SteppedStore {
    /** Commands of a client in one send; it may have none outstanding. */
    void send(int client, List<byte[][]> commands);

    /** Lets something happen; false where nothing can. */
    boolean step();

    /** The next reply that has arrived at the client; null where none has. */
    Reply receive(int client);

    /**
     * The client's connection is lost and it gets no more replies; what it sent may still happen, all or some. Its
     * next send is on another connection.
     */
    void cut(int client);
}
