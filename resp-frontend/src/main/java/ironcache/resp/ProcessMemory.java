package ironcache.resp;

/** Resident memory of this process, re-measured once a second; the file API behind it is {@link Server}'s. */
interface ProcessMemory {
    /** Bytes; 0 where the system does not tell. */
    long residentBytes();

    /** RAM of the machine. */
    long machineBytes();

    /** User and system CPU time of the process, microseconds, at index 0 and 1; zeros where unknown. */
    long[] cpuMicros();
}
