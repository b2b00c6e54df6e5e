package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CommandTableTest {
    private final CommandTable table = Commands.table();

    private @Nullable CommandRow find(String name) {
        byte[] bytes = (name + "\r").getBytes(StandardCharsets.ISO_8859_1);
        long memory = Memory.allocate(bytes.length, MemoryTag.OTHER);
        try {
            Memory.copyIn(bytes, 0, memory, bytes.length);
            return table.find(memory, bytes.length - 1);
        } finally {
            Memory.free(memory, bytes.length, MemoryTag.OTHER);
        }
    }

    @Test
    void everyNameIsFoundInAnyCaseAndNothingElse() {
        for (int i = 0; i < table.size(); i++) {
            CommandRow row = table.row(i);
            if (row.parent == null) {
                assertSame(row, find(row.name));
                assertSame(row, find(row.name.toLowerCase(Locale.ROOT)));
                assertSame(
                        row,
                        find(row.name.charAt(0) + row.name.substring(1).toLowerCase(Locale.ROOT)));
                assertNull(find(row.name + "QQ"));
                assertNull(find("X" + row.name));
            }
            assertSame(row, table.find(row.fullName));
        }
        assertNull(find("G"));
        assertNull(find("GE"));
        assertNull(find("G\u0005T"));
    }

    @Test
    void everyRowIsComplete() {
        for (int i = 0; i < table.size(); i++) {
            CommandRow row = table.row(i);
            assertTrue(row.isContainer() || row.handler != null, row.fullName);
            assertFalse(row.summary.isEmpty(), row.fullName + ": summary");
            assertNotNull(table.find(row.fullName));
            assertTrue(row.arity != 0, row.fullName + ": arity");
            assertTrue(
                    row.since.chars().filter(c -> c == '.').count() == 2,
                    row.fullName + ": since " + row.since);
            // A command with keys says whether it reads or writes, or neither limits nor routing
            // know; WATCH does neither.
            if (row.keySpecs.length > 0 && !row.name.equals("WATCH")) {
                assertTrue(
                        row.has(CommandFlag.WRITE) != row.has(CommandFlag.READONLY),
                        row.fullName + ": write or readonly");
            }
            if (row.has(CommandFlag.DENYOOM)) {
                assertTrue(row.has(CommandFlag.WRITE), row.fullName + ": denyoom without write");
            }
            for (KeySpec spec : row.keySpecs) {
                assertTrue(spec.flags().length > 0, row.fullName + ": key flags");
            }
            int mandatory = row.parent == null ? 1 : 2;
            for (Arg arg : row.args) {
                mandatory += arg.optional ? 0 : leastArguments(arg);
            }
            if (row.args.length > 0) {
                assertEquals(
                        mandatory, Math.abs(row.arity), row.fullName + ": arity against grammar");
            }
        }
    }

    private static int leastArguments(Arg arg) {
        int own = arg.token != null && arg.type != Arg.Type.PURE_TOKEN ? 1 : 0;
        return own
                + switch (arg.type) {
                    case BLOCK -> {
                        int sum = 0;
                        for (Arg part : arg.parts) {
                            sum += part.optional ? 0 : leastArguments(part);
                        }
                        yield sum;
                    }
                    case ONEOF -> {
                        int least = Integer.MAX_VALUE;
                        for (Arg part : arg.parts) {
                            least = Math.min(least, leastArguments(part));
                        }
                        yield least;
                    }
                    default -> 1;
                };
    }

    @Test
    void aNameIsTakenOnce() {
        assertThrows(IllegalArgumentException.class, () -> table.add("GET", c -> {}));
    }

    @Test
    void docsAreUpToDate() throws IOException {
        Path file = Path.of("../docs/commands.md");
        String wanted = CommandsDoc.markdown(table);
        if (Boolean.getBoolean("ironcache.writeDocs")) {
            Files.writeString(file, wanted);
        }
        assertEquals(
                wanted,
                Files.readString(file),
                "docs/commands.md is old: its second paragraph tells how to write it anew");
    }
}
