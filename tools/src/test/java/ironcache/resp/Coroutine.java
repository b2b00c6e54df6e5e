package ironcache.resp;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Runs a piece of work on the caller's thread, from where it paused last to where it pauses next.
 *
 * <p>It is the JDK's own, on which virtual threads stand; those have no scheduler that a test could bring. It is internal: the JVM needs
 * {@value #PERMISSION}, and since javac's {@code --release} knows nothing of it, it is called through method handles. Platform threads that pass
 * a baton would do as well, with two of the system's context switches for each step, of which a seed has thousands.
 */
final class Coroutine {
    private static final String PERMISSION = "--add-exports=java.base/jdk.internal.vm=ALL-UNNAMED";

    private static final MethodHandle NEW;
    private static final MethodHandle RUN;
    private static final MethodHandle PAUSE;
    private static final MethodHandle IS_DONE;

    static {
        try {
            Class<?> scope = Class.forName("jdk.internal.vm.ContinuationScope");
            Class<?> type = Class.forName("jdk.internal.vm.Continuation");
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            Object ours =
                    lookup.findConstructor(scope, MethodType.methodType(void.class, String.class))
                            .invoke("simulation");
            NEW =
                    lookup.findConstructor(
                                    type, MethodType.methodType(void.class, scope, Runnable.class))
                            .bindTo(ours)
                            .asType(MethodType.methodType(Object.class, Runnable.class));
            RUN =
                    lookup.findVirtual(type, "run", MethodType.methodType(void.class))
                            .asType(MethodType.methodType(void.class, Object.class));
            PAUSE =
                    lookup.findStatic(type, "yield", MethodType.methodType(boolean.class, scope))
                            .bindTo(ours)
                            .asType(MethodType.methodType(void.class));
            IS_DONE =
                    lookup.findVirtual(type, "isDone", MethodType.methodType(boolean.class))
                            .asType(MethodType.methodType(boolean.class, Object.class));
        } catch (Throwable e) {
            throw new ExceptionInInitializerError(
                    new IllegalStateException("coroutines need " + PERMISSION, e));
        }
    }

    private final Object continuation;

    Coroutine(Runnable work) {
        try {
            continuation = NEW.invokeExact(work);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /** Goes on until the work pauses or has ended; what it throws comes out here, and ends it. */
    void run() {
        try {
            RUN.invokeExact(continuation);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    boolean isDone() {
        try {
            return (boolean) IS_DONE.invokeExact(continuation);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /** Within the work: the caller of {@link #run} goes on. */
    static void pause() {
        try {
            PAUSE.invokeExact();
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    private static RuntimeException rethrown(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException known ? known : new IllegalStateException(e);
    }
}
