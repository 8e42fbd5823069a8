package bascule.config;

/// How fast a node that is silent counts as gone, against how long it may be held up without that.
public enum Detection {
    FAST,
    CALM
}
