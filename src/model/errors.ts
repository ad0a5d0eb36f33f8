/**
 * Every coded error Lanner can show: what it means. Operators search for these codes, so they never change
 * their meaning. The generated reference lists each.
 */
export const errorCodes = {
  config_invalid: 'the configuration has problems; each is listed with its line',
  config_unreadable: 'the configuration file cannot be read',
  config_version: 'the configuration is of a newer version than this Lanner knows',
  socket_missing: 'the unix socket does not exist',
  socket_permission: 'the unix socket may not be opened by this user',
  connect_refused: 'nothing listens at the address',
  connect_timeout: 'no answer at the address within the deadline',
  name_unknown: 'the host name cannot be resolved',
  tls_mismatch: 'one side speaks TLS and the other does not',
  tls_untrusted: "the server's certificate is not signed by the configured CA",
  tls_name: "the server's certificate is for another name",
  tls_client_rejected: 'the server did not accept our client certificate',
  tls_file: 'a certificate or key file cannot be used',
  wrong_protocol: 'what answers at the address does not speak gRPC',
  wrong_service: 'what answers at the address is another gRPC service',
  filter_rejected: 'the sensor rejected the filter in the request',
  falco_grpc_removed: 'this Falco has no gRPC output any more (0.44 and later)',
  falco_text_output: 'Falco sends plain text instead of JSON',
  falco_json_danger: 'Falco up to 0.43 with json_output: true exits on invalid UTF-8',
  stream_silent: 'the sensor answers, and no event came for longer than configured',
  stream_ended: 'the sensor ended the stream',
  recording_missing: 'the recording does not exist',
  recording_unreadable: 'the recording cannot be read',
  recording_form: 'the form of the recording is not known',
  template: 'the template of a sink is not valid Liquid',
  signing_key: 'a signing key of a sink cannot be used',
  control_unknown: 'the running Lanner does not know this command: the versions differ',
  store_locked: 'another Lanner uses the same state directory',
  store_version: 'the store was written by a newer Lanner',
  store_unusable: 'the state directory cannot be used',
  listen_failed: 'the address to listen at cannot be bound',
} as const;
export type ErrorCode = keyof typeof errorCodes;
