package bascule.load;

/// A proxy or a tool that cannot take part here; the message says what is missing. It is printed, and the run goes on
/// without.
final class Unavailable extends Exception {
    private static final long serialVersionUID = 1;

    private final String why;

    Unavailable(String why) {
        super(why);
        this.why = why;
    }

    String why() {
        return why;
    }
}
