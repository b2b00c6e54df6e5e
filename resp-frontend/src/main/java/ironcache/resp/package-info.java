/** The RESP server: parser, replies, connections, command table, configuration, main. */
@NullMarked
package ironcache.resp;

import org.jspecify.annotations.NullMarked;
