package bascule.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class StrainTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void givenStrain_whenItHappensAgain_thenItLastsTwiceAsLongUpToABound() {
        Strain strain = Strain.NONE;
        assertFalse(strain.lasts());
        for (long rest = Strain.FIRST_NANOS; rest <= Strain.MOST_NANOS; rest *= 2) {
            strain = strain.again();
            assertTrue(strain.after(rest - 1).lasts());
            assertFalse(strain.after(rest).lasts());
        }
        assertFalse(strain.again().after(Strain.MOST_NANOS).lasts());
    }

    @Test
    void givenStrainThatIsOver_whenAsMuchTimeHasPassedAgain_thenItIsForgiven() {
        Strain once = Strain.NONE.again().after(10 * SECOND);

        assertTrue(once.after(19 * SECOND).again().after(19 * SECOND).lasts());
        assertEquals(Strain.NONE, once.after(20 * SECOND));
        assertEquals(Strain.NONE, Strain.NONE.after(SECOND));
    }
}
