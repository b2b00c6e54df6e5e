package ironcache.bench;

import java.io.IOException;

/** The CPU time that the server, this harness's child processes and the whole machine spend from its creation on. */
final class CpuClocks {
    /** CPU time over the same stretch of time; busy is in cores. */
    record Spent(double seconds, long serverNs, long childrenNs, long machineNs) {
        double serverBusy() {
            return serverNs / 1e9 / seconds;
        }

        double childrenBusy() {
            return childrenNs / 1e9 / seconds;
        }

        double machineBusy() {
            return machineNs / 1e9 / seconds;
        }
    }

    private final ProcessFigures server;
    private final long startNs;
    private final long serverNs;
    private final long childrenNs;
    private final long machineNs;

    CpuClocks(ProcessFigures server) throws IOException {
        this.server = server;
        childrenNs = ProcessFigures.endedChildrenCpuNs();
        machineNs = ProcessFigures.machineCpuNs();
        serverNs = server.cpuNs();
        startNs = System.nanoTime();
    }

    Spent spent() throws IOException {
        double seconds = (System.nanoTime() - startNs) / 1e9;
        return new Spent(
                seconds,
                server.cpuNs() - serverNs,
                ProcessFigures.endedChildrenCpuNs() - childrenNs,
                ProcessFigures.machineCpuNs() - machineNs);
    }
}
