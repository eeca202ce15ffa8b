/* Stands in for a library, so that `make test-paths` can compile the services of the golden path without a registry of
 packages: as much of its interface as they use, and nothing behind it. */
package org.junit.jupiter.api;

import java.util.Objects;
import org.junit.jupiter.api.function.Executable;

public final class Assertions {
    public static void assertEquals(Object want, Object got) {
        if (!Objects.equals(want, got)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    public static void assertEquals(long want, long got) {
        assertEquals((Object) want, (Object) got);
    }

    public static void assertTrue(boolean is, String message) {
        if (!is) {
            throw new AssertionError(message);
        }
    }

    public static <T extends Throwable> T assertThrows(Class<T> type, Executable run, String message) {
        try {
            run.execute();
        } catch (Throwable e) {
            if (type.isInstance(e)) {
                return type.cast(e);
            }
            throw new AssertionError(message, e);
        }
        throw new AssertionError("nothing was thrown: " + message);
    }
}
