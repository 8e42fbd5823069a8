package bascule.net;

import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.PKIXReason;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Why a connection failed, in a few words for operators.
public final class CauseText {
    private static final int MOST_CHARACTERS = 200;

    /// As BoringSSL writes it: code, library, function, and last what it is about.
    private static final Pattern OPENSSL = Pattern.compile("error:[0-9a-f]+:.*:([A-Z0-9_]+)");

    private static final String UNTRUSTED = "certificate leads to no CA that is trusted";

    private CauseText() {}

    /// What the system or the library says of the first cause, without what was added on the way up: Netty adds the address, which the
    /// operator knows. One line.
    public static String of(Throwable failure) {
        Throwable root = root(failure);
        String message = root.getMessage();
        String said =
                message == null || message.isBlank()
                        ? root.getClass().getSimpleName()
                        : sentence(message.strip().replaceAll("\\s+", " "));
        String text =
                switch (root) {
                    case CertificateExpiredException _ -> "certificate has expired, " + said;
                    case CertificateNotYetValidException _ ->
                            "certificate is not valid yet, " + said;
                    case CertPathBuilderException _ -> UNTRUSTED;
                    case CertPathValidatorException path
                            when path.getReason() == PKIXReason.NO_TRUST_ANCHOR ->
                            UNTRUSTED;
                    default -> said;
                };
        return text.length() <= MOST_CHARACTERS ? text : text.substring(0, MOST_CHARACTERS) + "…";
    }

    private static String sentence(String line) {
        Matcher openSsl = OPENSSL.matcher(line);
        if (openSsl.matches()) return openSsl.group(1).toLowerCase(Locale.ROOT).replace('_', ' ');
        return Character.toLowerCase(line.charAt(0)) + line.substring(1);
    }

    /// The cause that has none.
    public static Throwable root(Throwable failure) {
        Throwable cause = failure.getCause();
        return cause == null ? failure : root(cause);
    }
}
