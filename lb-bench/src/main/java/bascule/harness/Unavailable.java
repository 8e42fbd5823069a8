package bascule.harness;

/// Something that a drill needs is not there, or does not do what it has to; the message says what. The drill fails, or
/// is left out with a line.
public final class Unavailable extends Exception {
    private static final long serialVersionUID = 1;

    private final String why;

    public Unavailable(String why) {
        super(why);
        this.why = why;
    }

    public String why() {
        return why;
    }
}
