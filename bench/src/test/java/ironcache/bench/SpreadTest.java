package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {
    @Test
    void theMedianMeetsTheBarOrNot() {
        Spread spread = Spread.of(3, 1, 2);
        assertEquals("2.0 met", spread.atLeast(2, "%.1f"));
        assertEquals("2.1 MISSED", spread.atLeast(2.1, "%.1f"));
        assertEquals("2.0 met", spread.atMost(2, "%.1f"));
        assertEquals("1.9 MISSED", spread.atMost(1.9, "%.1f"));
        assertEquals(
                List.of("name", "1 – **2** – 3", "2 met"),
                spread.rowAtMost("name", "%.0f", 2, "%.0f"));
    }

    @Test
    void whatWasNotMeasuredMeetsNothing() {
        Spread none = Spread.of();
        assertEquals("1 MISSED", none.atLeast(1, "%.0f"));
        assertEquals("1 MISSED", none.atMost(1, "%.0f"));
        assertEquals("-", none.toText("%.0f"));
    }
}
