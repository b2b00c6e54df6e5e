package ironcache.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Linux knows about a process, read from /proc when asked. */
final class ProcessFigures {
    /** USER_HZ: the unit of the times in /proc/PID/stat, 100 on every Linux that matters. */
    private static final long TICK_NS = 10_000_000;

    private final Path proc;

    ProcessFigures(long pid) {
        proc = Path.of("/proc", Long.toString(pid));
    }

    /**
     * User and system time of all threads, those that have ended and the kernel's io_uring workers included. In steps of
     * 10 ms: intervals of seconds are needed.
     */
    long cpuNs() throws IOException {
        String[] fields = statFields(proc);
        return (Long.parseLong(fields[14 - 3]) + Long.parseLong(fields[15 - 3])) * TICK_NS;
    }

    private static String[] statFields(Path process) throws IOException {
        String stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
        // The command's name, in parentheses, may hold anything; the fields after it count from 3
        // (proc(5)).
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    }

    /** User and system time of all processes that this one has started and seen the end of. */
    static long endedChildrenCpuNs() throws IOException {
        String[] fields = statFields(Path.of("/proc/self"));
        return (Long.parseLong(fields[16 - 3]) + Long.parseLong(fields[17 - 3])) * TICK_NS;
    }

    /** Time that the cores of the machine were not idle, whoever used them: interrupts and a hypervisor's other guests too. */
    static long machineCpuNs() throws IOException {
        String total = Files.readAllLines(Path.of("/proc/stat")).getFirst();
        // cpu user nice system idle iowait irq softirq steal; what follows is part of user and
        // nice.
        String[] fields = total.trim().split("\\s+");
        long ticks = 0;
        for (int i : new int[] {1, 2, 3, 6, 7, 8}) {
            ticks += Long.parseLong(fields[i]);
        }
        return ticks * TICK_NS;
    }

    /** How many cores /proc/stat counts. */
    static int machineCores() throws IOException {
        return (int)
                Files.readAllLines(Path.of("/proc/stat")).stream()
                        .filter(line -> line.matches("cpu[0-9].*"))
                        .count();
    }

    /** The list of cores that this process's main thread may run on, as taskset takes it. */
    static String ownCores() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("Cpus_allowed_list:")) {
                return line.substring(line.indexOf(':') + 1).trim();
            }
        }
        throw new IOException("/proc/self/status has no Cpus_allowed_list");
    }

    /** The kernel's number of the calling thread. */
    static String thisThreadId() throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString();
    }

    /** From now on the calling thread sleeps as long as it says, not up to 50 us longer. */
    static void sleepExactly() throws IOException {
        Files.writeString(Path.of("/proc", thisThreadId(), "timerslack_ns"), "1");
    }

    /** Time that the calling thread has been on a core, by the scheduler's own nanosecond count. */
    static long thisThreadCpuNs() throws IOException {
        String schedstat =
                Files.readString(
                        Path.of("/proc/thread-self/schedstat"), StandardCharsets.ISO_8859_1);
        return Long.parseLong(schedstat.substring(0, schedstat.indexOf(' ')));
    }

    long rssBytes() throws IOException {
        return statusKb("VmRSS:") * 1024;
    }

    /** Without files that are mapped. */
    long rssAnonymousBytes() throws IOException {
        return statusKb("RssAnon:") * 1024;
    }

    /** The most that was ever resident, tracked by the kernel: nothing escapes between two samples. */
    long rssPeakBytes() throws IOException {
        return statusKb("VmHWM:") * 1024;
    }

    /** Bytes that the process caused to be read from the device. */
    long readBytes() throws IOException {
        return field("io", "read_bytes:");
    }

    long writtenBytes() throws IOException {
        return field("io", "write_bytes:");
    }

    private long statusKb(String name) throws IOException {
        return field("status", name);
    }

    private long field(String file, String name) throws IOException {
        for (String line : Files.readAllLines(proc.resolve(file), StandardCharsets.ISO_8859_1)) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.substring(name.length()).replace("kB", "").trim());
            }
        }
        throw new IOException(proc.resolve(file) + " has no " + name);
    }

    /** Completed reads of the block device that holds a path; 0 where that cannot be told. Other processes' reads count too. */
    static long deviceReads(Path path) throws IOException {
        long device = ((Number) Files.getAttribute(path, "unix:dev")).longValue();
        // glibc's makedev: major in bits 8..19, minor in bits 0..7 and 20..31.
        String major = Long.toString(device >>> 8 & 0xFFF);
        String minor = Long.toString((device & 0xFF) | (device >>> 12 & 0xFFF00));
        for (String line : Files.readAllLines(Path.of("/proc/diskstats"))) {
            String[] fields = line.trim().split("\\s+");
            if (fields[0].equals(major) && fields[1].equals(minor)) {
                return Long.parseLong(fields[3]);
            }
        }
        return 0;
    }
}
