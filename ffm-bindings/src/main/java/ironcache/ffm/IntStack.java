package ironcache.ffm;

import java.util.Arrays;

/** A stack of ints: free numbers of dense tables. Allocates only to grow. */
final class IntStack {
    private int[] elements = new int[16];
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    void push(int element) {
        if (size == elements.length) {
            elements = Arrays.copyOf(elements, size * 2);
        }
        elements[size++] = element;
    }

    int pop() {
        return elements[--size];
    }
}
