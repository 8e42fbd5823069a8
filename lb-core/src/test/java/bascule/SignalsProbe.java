package bascule;

/// A process that tells which signals it hears; for [SignalsIT].
final class SignalsProbe {
    private SignalsProbe() {}

    public static void main(String[] arguments) throws InterruptedException {
        Signals.on("HUP", () -> System.out.println("heard HUP"));
        Signals.on(
                "USR1",
                () -> {
                    System.out.println("heard USR1");
                    throw new IllegalStateException("planted");
                });
        System.out.println("ready");
        Thread.sleep(60_000);
    }
}
