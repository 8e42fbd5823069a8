package bascule.cluster.group;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.group.Contact.Seen;
import org.junit.jupiter.api.Test;

final class ContactTest {
    private static final long SECOND = 1_000_000_000;

    private long now = Long.MAX_VALUE - SECOND; // Of nanoTime: overflows soon.
    private final Contact contact = new Contact(now);

    private Contact.Told after(double seconds) {
        now += (long) (seconds * SECOND);
        return contact.tick(now);
    }

    @Test
    void givenNodeThatIsDown_whenTimePasses_thenNothingIsToldOrDone() {
        for (int i = 0; i < 100; i++) {
            contact.seen(Seen.NOTHING, "refused", now);
            assertThat(after(0.5)).isNull();
            assertThat(contact.isStuck(now)).isFalse();
        }
    }

    @Test
    void givenWrongKey_whenSeenAgainAndAgain_thenToldOnceAndOnceWhenItIsOver() {
        contact.seen(Seen.KEY, "certificate_unknown", now);
        Contact.Told told = after(0.1);
        assertThat(told)
                .isEqualTo(new Contact.Told(true, "cluster-key-refused", "certificate_unknown"));
        for (int i = 0; i < 100; i++) {
            contact.seen(Seen.KEY, "certificate_unknown", now);
            assertThat(after(0.5)).isNull();
        }
        assertThat(contact.isStuck(now)).isFalse(); // A new start would not help.
        contact.seen(Seen.WELL, "", now);
        contact.connections(1);
        assertThat(after(0.1)).isEqualTo(new Contact.Told(false, "cluster-key-refused", ""));
        contact.inView(true);
        assertThat(after(10)).isNull();
    }

    @Test
    void givenWrongKey_whenTheNodeGoesAway_thenItIsOver() {
        contact.seen(Seen.KEY, "x", now);
        assertThat(after(0.1).worse()).isTrue();
        assertThat(after(2)).isNull();
        assertThat(after(2).worse()).isFalse();
    }

    @Test
    void givenConnectionWithoutView_whenFiveSecondsPass_thenToldAndAfterTenStuck() {
        contact.seen(Seen.WELL, "", now);
        contact.connections(1);
        assertThat(after(0)).isNull();
        contact.seen(Seen.NOTHING, "timed out", now); // A second connection does not count,
        contact.seen(Seen.CLOSED, "hangs up", now); // nor does a third.
        assertThat(after(4.9)).isNull();
        Contact.Told told = after(0.2);
        assertThat(told.event()).isEqualTo("cluster-no-view");
        assertThat(told.seen()).contains("right key");
        assertThat(contact.isStuck(now)).isFalse();
        assertThat(after(5)).isNull();
        assertThat(contact.isStuck(now)).isTrue();
        contact.again(now);
        assertThat(contact.isStuck(now)).isFalse();
        contact.inView(true);
        assertThat(after(0.1)).isEqualTo(new Contact.Told(false, "cluster-no-view", "in one view"));
    }

    @Test
    void givenNodeThatHangsUp_whenFiveSecondsPass_thenToldWhy() {
        Contact.Told told = null;
        int ticks = 0;
        for (; told == null; ticks++) {
            contact.seen(Seen.CLOSED, "it hangs up", now);
            told = after(0.1);
        }
        assertThat(ticks).isBetween(50, 52);
        assertThat(told).isEqualTo(new Contact.Told(true, "cluster-no-view", "it hangs up"));
        contact.seen(Seen.CLOSED, "it hangs up", now);
        after(6);
        assertThat(contact.isStuck(now)).isFalse();
    }

    @Test
    void givenViewLost_whenTheNodeIsDead_thenNothingIsTold() {
        contact.seen(Seen.WELL, "", now);
        contact.connections(1);
        contact.inView(true);
        after(100);
        contact.inView(false);
        contact.connections(-1);
        for (int i = 0; i < 200; i++) {
            contact.seen(Seen.NOTHING, "refused", now);
            assertThat(after(0.1)).isNull();
        }
    }
}
