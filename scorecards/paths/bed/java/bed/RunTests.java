/* Stands in for a library, so that `make test-paths` can compile the services of the golden path without a registry of
 packages: as much of its interface as they use, and nothing behind it. */
package bed;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import org.junit.jupiter.api.Test;

/** Runs the tests of a class as JUnit does: each on an object of its own. */
public final class RunTests {
    public static void main(String[] args) throws Exception {
        int passed = 0;
        for (Method method : Class.forName(args[0]).getDeclaredMethods()) {
            if (!method.isAnnotationPresent(Test.class)) {
                continue;
            }
            Constructor<?> constructor = method.getDeclaringClass().getDeclaredConstructor();
            constructor.setAccessible(true);
            method.setAccessible(true);
            method.invoke(constructor.newInstance());
            passed++;
        }
        System.out.println(passed + " passed, 0 failed");
    }
}
