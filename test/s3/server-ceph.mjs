// Ceph's RADOS gateway on one machine, from the packages of Debian or Ubuntu: one monitor, one OSD that keeps its
// objects in memory, and two gateways over the same data. The second takes one request at a time and answers the rest
// with 503 SlowDown. Everything listens on the loopback only.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endServer, run, runningServers, signalServer, startServer, untilAnswers, whereIs } from './server-process.mjs';

const programs = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
const packages = ['ceph-mon', 'ceph-osd', 'ceph-common', 'radosgw'];

/** From the gateways down: one that has lost its monitor waits for it, and does not end. */
const order = ['slow', 'gateway', 'osd', 'monitor'];

/** Why this server cannot be had here; undefined if it can be started. Installs what is missing if told to. */
export async function prepareCeph({ install, limitMs, say }) {
  const isThere = () => programs.every((program) => whereIs(program) !== undefined);
  if (isThere()) return undefined;
  if (!install) return 'the programs of Ceph are not installed, and --install was not given';
  if (whereIs('apt-get') === undefined) return 'the programs of Ceph are not installed, and there is no apt-get';
  if (process.getuid?.() !== 0) return 'the programs of Ceph are not installed, and only root can install them';
  say('installing the packages of Ceph');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const options = [
    '-qq',
    '-o',
    'DPkg::Lock::Timeout=60',
    '-o',
    'Acquire::http::Timeout=15',
    '-o',
    'Acquire::Retries=1',
  ];
  const deadline = Date.now() + limitMs;
  try {
    await run('apt-get', ['update', ...options], { env, limitMs: Math.min(90_000, limitMs) });
    const rest = deadline - Date.now();
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...options, ...packages], { env, limitMs: rest });
  } catch (cause) {
    return cause.message;
  }
  return isThere() ? undefined : 'the packages of Ceph that apt-get has installed lack some of its programs';
}

/** Starts all of it, with nothing in it, and a user who may create buckets. */
export async function startCeph(folder, [port, slowPort, monitorPort], { accessKeyId, secretAccessKey, limitMs }) {
  for (const name of ['monitor', 'osd', 'gateway-data', 'crash']) mkdirSync(join(folder, name), { recursive: true });
  const [cluster, osd] = [randomUUID(), randomUUID()];
  const conf = join(folder, 'ceph.conf');
  const monitor = `[v2:127.0.0.1:${monitorPort}]`;
  writeFileSync(conf, configuration({ folder, cluster, monitor, port, slowPort }));
  writeFileSync(join(folder, 'keyring'), keyring(), { mode: 0o600 });
  const deadline = Date.now() + limitMs;
  const tool = (program, ...args) => run(program, ['-c', conf, ...args], { limitMs: deadline - Date.now() });

  await tool('monmaptool', '--create', '--fsid', cluster, '--addv', 'a', monitor, join(folder, 'monmap'));
  const seed = ['--monmap', join(folder, 'monmap'), '--keyring', join(folder, 'keyring')];
  await tool('ceph-mon', '--mkfs', '-i', 'a', ...seed);
  startServer(folder, 'monitor', 'ceph-mon', ['-f', '-c', conf, '-i', 'a']);
  await tool('ceph', 'osd', 'new', osd);
  await tool('ceph-osd', '--mkfs', '-i', '0', '--osd-uuid', osd);
  startServer(folder, 'osd', 'ceph-osd', ['-f', '-c', conf, '-i', '0']);
  const user = ['--uid', 'test', '--display-name', 'test', '--access-key', accessKeyId, '--secret', secretAccessKey];
  await tool('radosgw-admin', 'user', 'create', ...user);
  await resumeCeph(folder, [port], deadline - Date.now());
  startServer(folder, 'slow', 'radosgw', ['-f', '-c', conf, '-n', 'client.slow']);
  await untilAnswers(`http://127.0.0.1:${slowPort}/`, deadline - Date.now(), () => runs(folder, 'slow'));
}

/** Ends everything. */
export async function stopCeph(folder) {
  thawCeph(folder);
  for (const name of order) await endServer(folder, name);
}

/** Kills the gateway, in the midst of whatever it does. The data stay. */
export async function crashCeph(folder) {
  await endServer(folder, 'gateway', { atOnce: true });
}

/** Starts the gateway again. */
export async function resumeCeph(folder, [port], limitMs = 60_000) {
  const url = `http://127.0.0.1:${port}/`;
  startServer(folder, 'gateway', 'radosgw', ['-f', '-c', join(folder, 'ceph.conf'), '-n', 'client.gateway']);
  await untilAnswers(url, limitMs, () => runs(folder, 'gateway'));
}

/** Stops the OSD: the gateways take requests and never answer. */
export function freezeCeph(folder) {
  return signalServer(folder, 'osd', 'SIGSTOP');
}

/** Lets the OSD go on: what was asked meanwhile is done now. */
export function thawCeph(folder) {
  return signalServer(folder, 'osd', 'SIGCONT');
}

function runs(folder, name) {
  return runningServers(folder).includes(name);
}

/** A key for everyone who takes part, each of whom may do everything. */
function keyring() {
  const names = ['mon.', 'osd.0', 'client.admin', 'client.gateway', 'client.slow'];
  const may = ['mon', 'osd', 'mgr'].map((service) => `\tcaps ${service} = "allow *"\n`).join('');
  return names.map((name) => `[${name}]\n\tkey = ${newKey()}\n${may}`).join('');
}

/** A key as Ceph writes one: its kind (AES), when it was made, its length, and 16 bytes of chance. */
function newKey() {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt32LE(Math.floor(Date.now() / 1_000), 2);
  head.writeUInt16LE(16, 10);
  return Buffer.concat([head, randomBytes(16)]).toString('base64');
}

function configuration({ folder, cluster, monitor, port, slowPort }) {
  // Without tcp_nodelay a value waits for the acknowledgement of its headers, which takes 40 ms.
  const gateway = (itsPort) => `rgw_frontends = beast endpoint=127.0.0.1:${itsPort} tcp_nodelay=1
rgw_data = ${folder}/gateway-data
rgw_dns_name = localhost`;
  return `[global]
fsid = ${cluster}
mon_host = ${monitor}
mon_initial_members = a
keyring = ${folder}/keyring
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
run_dir = ${folder}
admin_socket =
crash_dir = ${folder}/crash
log_file = ${folder}/$name.log
pid_file =
# One copy of everything, on the one OSD there is.
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 2000
# A disk that is nearly full is no reason to stop.
mon_data_avail_warn = 1
mon_data_avail_crit = 1
# No line in the log for each request.
debug_rgw = 0/0

[mon.a]
mon_data = ${folder}/monitor

[osd.0]
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 6442450944
# It may be stopped for minutes, and is to go on as if nothing had been: without the last line its leases to read end
# meanwhile, and it is minutes before it answers again.
osd_op_thread_timeout = 3600
osd_op_thread_suicide_timeout = 7200
osd_heartbeat_grace = 3600

[client.gateway]
${gateway(port)}

[client.slow]
${gateway(slowPort)}
rgw_max_concurrent_requests = 1
`;
}
