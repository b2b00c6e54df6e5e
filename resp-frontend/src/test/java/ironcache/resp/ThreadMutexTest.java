package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With real threads: that nobody is in it together with another, and that nobody sleeps for ever. */
@Timeout(60)
class ThreadMutexTest {
    private static final int THREADS = 4;
    private static final int ROUNDS = 20_000;

    /** Not volatile: the lock has to publish it. */
    private long counter;

    private static void unlock(Mutex mutex) {
        if (mutex.unlock()) {
            mutex.wakeNext();
        }
    }

    private static void runAll(List<Thread> threads) throws InterruptedException {
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void oneAtATime(boolean fair) throws InterruptedException {
        Mutex mutex = new ThreadMutex(fair);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            boolean tries = i % 2 == 1;
            threads.add(
                    new Thread(
                            () -> {
                                for (int n = 0; n < ROUNDS; n++) {
                                    if (!tries || !mutex.tryLock()) {
                                        mutex.lock();
                                    }
                                    counter++;
                                    unlock(mutex);
                                }
                            }));
        }
        runAll(threads);
        assertEquals((long) THREADS * ROUNDS, counter);
    }

    /** As a lease does: several are left before anybody is woken. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoLeavesTwoWakesAfterwards(boolean fair) throws InterruptedException {
        Mutex first = new ThreadMutex(fair);
        Mutex second = new ThreadMutex(fair);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            threads.add(
                    new Thread(
                            () -> {
                                for (int n = 0; n < ROUNDS / 4; n++) {
                                    first.lock();
                                    second.lock();
                                    counter++;
                                    boolean wakeFirst = first.unlock();
                                    boolean wakeSecond = second.unlock();
                                    if (wakeFirst) {
                                        first.wakeNext();
                                    }
                                    if (wakeSecond) {
                                        second.wakeNext();
                                    }
                                }
                            }));
        }
        runAll(threads);
        assertEquals((long) THREADS * ROUNDS / 4, counter);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoSleepsIsToBeWoken(boolean fair) throws InterruptedException {
        Mutex mutex = new ThreadMutex(fair);
        mutex.lock();
        assertFalse(mutex.tryLock());
        CountDownLatch through = new CountDownLatch(1);
        Thread sleeper =
                new Thread(
                        () -> {
                            mutex.lock();
                            unlock(mutex);
                            through.countDown();
                        });
        sleeper.start();
        while (sleeper.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        assertTrue(mutex.unlock(), "somebody waits");
        assertEquals(!fair, tryAndLeave(mutex), "fair, only who waits longest gets it");
        mutex.wakeNext();
        through.await();
        sleeper.join();
        assertFalse(mutex.unlock(), "nobody waits");
    }

    private static boolean tryAndLeave(Mutex mutex) {
        boolean got = mutex.tryLock();
        if (got) {
            mutex.unlock();
        }
        return got;
    }
}
