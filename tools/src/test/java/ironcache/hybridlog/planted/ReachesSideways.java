package ironcache.hybridlog.planted;

import ironcache.index.HashIndex;

/** The canary of {@code ArchitectureTest}: the log knows no index, so this arrow must be caught. */
final class ReachesSideways {
    HashIndex index;
}
