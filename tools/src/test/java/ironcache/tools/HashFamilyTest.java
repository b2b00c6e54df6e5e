package ironcache.tools;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Commands of hashes beside the oracle, where the random ones of the differential runs seldom come. */
final class HashFamilyTest extends FamilyTestBase {
    private static final int ROUNDS = 300;

    /** What OBJECT ENCODING says goes by the pairs of a command, though fields of them repeat, or are there already. */
    @Test
    void encodingsAreThoseOfTheOracle() throws Exception {
        besideTheOracle(
                (oracle, subject) -> {
                    List<byte[][]> commands = new ArrayList<>();
                    add(commands, "CONFIG", "SET", "hash-max-listpack-entries", "4");
                    for (int round = 0; round < ROUNDS; round++) {
                        add(commands, "DEL", "h");
                        for (int i = random.nextInt(4); i >= 0; i--) {
                            addPut(commands);
                            add(commands, "OBJECT", "ENCODING", "h");
                        }
                    }
                    compare(oracle, subject, commands);
                });
    }

    private void addPut(List<byte[][]> to) {
        List<String> command = new ArrayList<>();
        int pairs = 1 + random.nextInt(6);
        switch (random.nextInt(4)) {
            case 0 -> command.addAll(List.of("HMSET", "h"));
            case 1 ->
                    command.addAll(
                            List.of("HSETEX", "h", "KEEPTTL", "FIELDS", Integer.toString(pairs)));
            case 2 -> {
                command.addAll(List.of("HSETNX", "h"));
                pairs = 1;
            }
            default -> command.addAll(List.of("HSET", "h"));
        }
        for (int i = 0; i < pairs; i++) {
            command.add("field " + random.nextInt(6));
            command.add("value " + random.nextInt(1000));
        }
        add(to, command.toArray(String[]::new));
    }
}
