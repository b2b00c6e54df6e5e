package ironcache.resp;

import ironcache.ffm.Clock;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimIo;
import ironcache.resp.SimulatedNode.Bug;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Threads of a simulated node: coroutines of the caller's thread. A seed decides which goes on whenever one comes to a lock or to its wait, and now and
 * then where it reads the clock or uses its I/O, so also in the middle of what a lock guards. What a step takes of simulated time is decided
 * by the seed, too; where all wait, time goes on to what happens next.
 *
 * <p>The seed also chooses how it decides: evenly or with favourites, with short steps or such that take longer than a disk.
 */
final class SimThreads implements Mutex.Source {
    private static final double BUG_CHANCE = 0.4;

    /** See {@link Partition}: that of the shard, and that of its thread's turn, which is fair. */
    private static final int LOCKS_OF_ONE_SHARD = 2;

    /** Looks at a taken lock before it sleeps. */
    private static final int MOST_SPINS = 4;

    private static final int STEPS_PER_MOOD = 300;

    /** Gives the shards of a thread back and takes them again. */
    interface Intrusion {
        void accept(int thread, List<Integer> shards);
    }

    private final class Task {
        final int number;
        final Coroutine coroutine;

        /** Sleeps until somebody wakes it for this; null: does not. */
        Lock lock;

        /** Woken, or will not fall asleep the next time. */
        boolean permit;

        /** Which it has unlocked but not woken the next for. */
        final List<Lock> owes = new ArrayList<>();

        /** Waits for its events; null: does not. */
        SimIo io;

        long deadlineNanos;
        boolean woken;
        int weight = 1;

        /** In the order in which they were taken. */
        final List<Lock> held = new ArrayList<>();

        Task(int number, Runnable work) {
            this.number = number;
            this.coroutine = new Coroutine(work);
        }

        boolean canRun() {
            if (lock != null) {
                return permit;
            }
            return io == null || wakeNanos() <= clock.nanoTime();
        }

        /** When its wait in poll ends, if nobody ends it before. */
        long wakeNanos() {
            return woken ? 0 : Math.min(deadlineNanos, io.nextNanos());
        }

        @Override
        public String toString() {
            return "thread "
                    + number
                    + " has "
                    + held
                    + (owes.isEmpty() ? "" : ", owes " + owes)
                    + (lock != null ? ", waits for " + lock : io != null ? ", polls" : ", can run");
        }
    }

    private final SimClock clock;
    private final Prng prng;
    private final Bug bug;
    private final double preemption;
    private final long stepNanosMax;
    private final boolean moody;
    private final List<Task> tasks = new ArrayList<>();
    private final List<Task> able = new ArrayList<>();
    private final Intrusion intruders;
    private int locks;
    private boolean intruded;
    private Task current;
    private long steps;
    private long traceHash;
    private long planted;
    private long waits;

    /** @param intruders the bug's: lets others into the shards that a thread has */
    SimThreads(SimClock clock, Prng prng, Bug bug, Intrusion intruders) {
        this.clock = clock;
        this.prng = prng;
        this.bug = bug;
        this.intruders = intruders;
        preemption = new double[] {0, 0.05, 0.4}[prng.nextInt(3)];
        stepNanosMax = new long[] {100, 2_000, 20_000}[prng.nextInt(3)];
        moody = prng.nextInt(2) == 0;
    }

    /** The next thread: its number is that of its shard. */
    void start(Runnable work) {
        tasks.add(new Task(tasks.size(), work));
    }

    /** Threads that were started. */
    int count() {
        return tasks.size();
    }

    /** Where the caller is: a thread's number, or -1 outside of all. */
    int current() {
        return current == null ? -1 : current.number;
    }

    long nanoTime() {
        return clock.nanoTime();
    }

    /** A hash of who went on when. */
    long traceHash() {
        return traceHash;
    }

    /** Whether the bug does something here. */
    boolean strikes(Bug here) {
        boolean now = bug == here && prng.chance(BUG_CHANCE);
        planted += now ? 1 : 0;
        return now;
    }

    /** How often a thread had to wait for a lock. */
    long waits() {
        return waits;
    }

    /** How often the planted bug struck. */
    long planted() {
        return planted;
    }

    boolean haveEnded() {
        return tasks.stream().allMatch(task -> task.coroutine.isDone());
    }

    /**
     * One thread goes on to its next pause.
     *
     * @return how long all had to wait before, in simulated nanoseconds; 0 where one could go on at once
     */
    long step() {
        if (moody && steps++ % STEPS_PER_MOOD == 0) {
            tasks.forEach(task -> task.weight = prng.nextInt(3) == 0 ? 30 : 1);
        }
        long waited = 0;
        while (!chooseAble()) {
            waited += waitForAll();
        }
        Task task = draw();
        traceHash = Prng.mix(traceHash ^ Prng.mix(clock.nanoTime()) + task.number);
        task.lock = null;
        task.io = null;
        current = task;
        try {
            task.coroutine.run();
        } finally {
            current = null;
        }
        clock.advance(1 + prng.nextLong(stepNanosMax));
        return waited;
    }

    private boolean chooseAble() {
        able.clear();
        for (Task task : tasks) {
            if (!task.coroutine.isDone() && task.canRun()) {
                able.add(task);
            }
        }
        return !able.isEmpty();
    }

    private Task draw() {
        int sum = 0;
        for (Task task : able) {
            sum += task.weight;
        }
        int at = prng.nextInt(sum);
        for (Task task : able) {
            at -= task.weight;
            if (at < 0) {
                return task;
            }
        }
        throw new AssertionError();
    }

    private long waitForAll() {
        long next = Long.MAX_VALUE;
        for (Task task : tasks) {
            if (!task.coroutine.isDone() && task.io != null) {
                next = Math.min(next, task.wakeNanos());
            }
        }
        if (next == Long.MAX_VALUE) {
            throw new IllegalStateException("nobody can go on: " + tasks);
        }
        long delta = next - clock.nanoTime();
        clock.advance(delta);
        return delta;
    }

    @Override
    public String toString() {
        return clock.nanoTime() + " ns, " + tasks;
    }

    // Of the thread that runs. Outside of all threads, where shards are opened and closed, nobody
    // pauses.

    private void pause() {
        if (current != null) {
            Coroutine.pause();
        }
    }

    /** A place where the machine might take the core away. */
    void mayPause() {
        if (preemption > 0 && current != null && prng.chance(preemption)) {
            Coroutine.pause();
        }
    }

    /** The wait in {@link ironcache.ffm.Io#poll}. */
    void poll(SimIo io, long timeoutNanos) {
        Task task = current;
        if (task == null) {
            return;
        }
        if (!task.owes.isEmpty()) {
            throw new IllegalStateException("sleeps, and others are not woken: " + task);
        }
        long now = clock.nanoTime();
        boolean endless = timeoutNanos < 0 || timeoutNanos > Long.MAX_VALUE - now;
        task.deadlineNanos = endless ? Long.MAX_VALUE : now + timeoutNanos;
        task.io = io;
        Coroutine.pause();
        task.woken = false;
    }

    /** Ends a thread's wait, or its next one. */
    void wake(int number) {
        if (!strikes(Bug.LOST_WAKE)) {
            tasks.get(number).woken = true;
        }
        mayPause();
    }

    /** What shards and loops are given as the machine's clock. */
    Clock clock() {
        return new Clock() {
            @Override
            public long nanoTime() {
                beAt(current);
                mayPause();
                return clock.nanoTime();
            }

            @Override
            public long currentTimeMillis() {
                return clock.currentTimeMillis();
            }

            @Override
            public long currentTimeMicros() {
                return clock.currentTimeMicros();
            }
        };
    }

    /** EXEC reads the clock between its commands: there its shards get lost, for a moment. */
    private void beAt(Task task) {
        if (bug == Bug.RELEASE_BEFORE_LAST_WRITE && task != null && !intruded) {
            List<Integer> shards = shardsOf(task);
            if (shards.size() > 1 && strikes(bug)) {
                intruded = true;
                intruders.accept(task.number, shards);
                intruded = false;
            }
        }
    }

    /** In ascending order. */
    private static List<Integer> shardsOf(Task task) {
        List<Integer> shards = new ArrayList<>();
        for (Lock lock : task.held) {
            if (!lock.fair) {
                shards.add(lock.number / LOCKS_OF_ONE_SHARD);
            }
        }
        return shards;
    }

    // Locks.

    @Override
    public Mutex create(boolean fair) {
        return new Lock(locks++, fair);
    }

    private final class Lock implements Mutex {
        private final int number;
        private final boolean fair;
        private final ArrayDeque<Task> queue = new ArrayDeque<>();
        private Task owner;

        Lock(int number, boolean fair) {
            this.number = number;
            this.fair = fair;
        }

        @Override
        public void lock() {
            pause();
            Task task = current;
            if (owner == task) {
                throw new IllegalStateException(this + " is taken twice by " + task);
            }
            for (int spins = prng.nextInt(MOST_SPINS); spins > 0; spins--) {
                if (isFree()) {
                    take(task);
                    return;
                }
                pause();
            }
            waits++;
            queue.add(task);
            mayPause();
            while (queue.peek() != task || owner != null) {
                task.lock = this;
                pause();
                task.permit = false;
            }
            queue.remove();
            take(task);
        }

        /** For who comes now. */
        private boolean isFree() {
            return owner == null && (!fair || queue.isEmpty());
        }

        private void take(Task task) {
            owner = task;
            task.held.add(this);
            mayPause();
        }

        @Override
        public boolean tryLock() {
            pause();
            if (!isFree()) {
                return false;
            }
            take(current);
            return true;
        }

        @Override
        public boolean unlock() {
            mayPause();
            Task task = current;
            if (owner != task) {
                throw new IllegalStateException(this + " is not taken by " + task);
            }
            owner = null;
            task.held.remove(this);
            boolean wanted = !queue.isEmpty();
            if (wanted) {
                task.owes.add(this);
            }
            pause();
            return wanted;
        }

        @Override
        public void wakeNext() {
            mayPause();
            current.owes.remove(this);
            if (!queue.isEmpty()) {
                queue.peek().permit = true;
            }
            mayPause();
        }

        @Override
        public String toString() {
            return "lock " + number;
        }
    }
}
