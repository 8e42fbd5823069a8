package bascule.tls;

import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;

/// What the JDK's engine does not tell: whether a session was resumed. A session that is older than its connection was. Only used where the
/// native library does not load.
final class JdkSessions {
    private static final Map<SSLEngine, Long> BEGAN =
            Collections.synchronizedMap(new WeakHashMap<>());

    private JdkSessions() {}

    static void begins(SSLEngine engine) {
        BEGAN.put(engine, System.currentTimeMillis());
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setUseCipherSuitesOrder(true);
        parameters.setNamedGroups(TlsPolicy.JDK_GROUPS.toArray(String[]::new));
        engine.setSSLParameters(parameters);
    }

    static boolean isResumed(SSLEngine engine) {
        Long began = BEGAN.get(engine);
        return began != null && engine.getSession().getCreationTime() < began;
    }
}
