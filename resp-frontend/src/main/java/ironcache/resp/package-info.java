/** The RESP server: parser, replies, connections, command table, configuration, main. */
package ironcache.resp;
