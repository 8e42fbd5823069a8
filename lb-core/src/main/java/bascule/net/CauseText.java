package bascule.net;

/// Why a connection failed, in a few words for operators.
public final class CauseText {
    private static final int MOST_CHARACTERS = 200;

    private CauseText() {}

    /// What the system or the library says of the first cause, without what was added on the way up: Netty adds the address, which the
    /// operator knows. One line.
    public static String of(Throwable failure) {
        Throwable root = root(failure);
        String message = root.getMessage();
        if (message == null || message.isEmpty()) return root.getClass().getSimpleName();
        String line = message.strip().replaceAll("\\s+", " ");
        String text = Character.toLowerCase(line.charAt(0)) + line.substring(1);
        return text.length() <= MOST_CHARACTERS ? text : text.substring(0, MOST_CHARACTERS) + "…";
    }

    /// The cause that has none.
    public static Throwable root(Throwable failure) {
        Throwable cause = failure.getCause();
        return cause == null ? failure : root(cause);
    }
}
