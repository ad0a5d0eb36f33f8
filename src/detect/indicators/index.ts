import { adHocServer } from './ad-hoc-server.ts';
import { ancLocation } from './anc-location.ts';
import { argsLost } from './args-lost.ts';
import { batchOrList } from './batch-or-list.ts';
import { bulkyRequest } from './bulky-request.ts';
import { chainDownloadRun } from './chain-download-run.ts';
import { cloudCreds } from './cloud-creds.ts';
import { cmdOutputInRequest } from './cmd-output-in-request.ts';
import { disguisedPeer } from './disguised-peer.ts';
import { downloadExecDir } from './download-exec-dir.ts';
import { drift } from './drift.ts';
import { dropAndRun } from './drop-and-run.ts';
import { encodedLabelIndicator } from './encoded-label.ts';
import { execOnSocket } from './exec-on-socket.ts';
import { externalIp } from './external-ip.ts';
import { hostkeyOff } from './hostkey-off.ts';
import { inlineRevshell } from './inline-revshell.ts';
import { interactive } from './interactive.ts';
import { kubeApi } from './kube-api.ts';
import { kubelet } from './kubelet.ts';
import { listener } from './listener.ts';
import { locDeleted } from './loc-deleted.ts';
import { locHidden } from './loc-hidden.ts';
import { locMemfd } from './loc-memfd.ts';
import { locUnusual } from './loc-unusual.ts';
import { locWritable } from './loc-writable.ts';
import { masquerade } from './masquerade.ts';
import { metadataOther } from './metadata-other.ts';
import { namespaceEntry } from './namespace-entry.ts';
import { nestedShells } from './nested-shells.ts';
import { oddScheme } from './odd-scheme.ts';
import { pipeToInterpreter } from './pipe-to-interpreter.ts';
import { portForward } from './port-forward.ts';
import { portRange } from './port-range.ts';
import { renamed } from './renamed.ts';
import { revshellString } from './revshell-string.ts';
import { runsProgram } from './runs-program.ts';
import { runtimeSocket } from './runtime-socket.ts';
import { sensitiveFile } from './sensitive-file.ts';
import { serverAncestor } from './server-ancestor.ts';
import { socksOnionProxy } from './socks-onion-proxy.ts';
import { txtNullAny } from './txt-null-any.ts';
import type { Indicator } from './types.ts';
import { unusualPort } from './unusual-port.ts';
import { upload } from './upload.ts';
import { webShellDrop } from './web-shell-drop.ts';
import { zoneTransfer } from './zone-transfer.ts';

/** Every indicator: what the tool does, whom it talks to, where it lies, who started it. */
export const indicators: readonly Indicator[] = [
  execOnSocket,
  revshellString,
  inlineRevshell,
  listener,
  pipeToInterpreter,
  downloadExecDir,
  dropAndRun,
  webShellDrop,
  upload,
  sensitiveFile,
  bulkyRequest,
  cmdOutputInRequest,
  cloudCreds,
  metadataOther,
  runtimeSocket,
  kubelet,
  kubeApi,
  externalIp,
  unusualPort,
  disguisedPeer,
  socksOnionProxy,
  oddScheme,
  portRange,
  zoneTransfer,
  txtNullAny,
  encodedLabelIndicator,
  batchOrList,
  adHocServer,
  portForward,
  hostkeyOff,
  runsProgram,
  namespaceEntry,
  locMemfd,
  locWritable,
  locDeleted,
  locHidden,
  locUnusual,
  drift,
  renamed,
  masquerade,
  argsLost,
  nestedShells,
  ancLocation,
  serverAncestor,
  interactive,
  chainDownloadRun,
];
