package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SchedulingTest {
    @Test
    void isTheThreadsOwn() throws InterruptedException {
        AtomicInteger policy = new AtomicInteger(-1);
        Thread thread =
                new Thread(
                        () -> {
                            boolean obeyed = Scheduling.yieldWhenWoken();
                            policy.set(obeyed ? Libc.scheduler() : Scheduling.BATCH);
                        });
        thread.start();
        thread.join();
        assertEquals(Scheduling.BATCH, policy.get());
        assertNotEquals(Scheduling.BATCH, Libc.scheduler());
    }
}
