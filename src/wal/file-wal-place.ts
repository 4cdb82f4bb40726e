// The directory of a file WAL: one node of one cluster, one folder per epoch.
//
//   <directory>/wal-id                    the name plate: whose WAL this is (R3)
//   <directory>/lock                      who uses it now; politeness only (file-wal-lock.ts)
//   <directory>/opened-<epoch>            the last epoch whose folder was made here
//   <directory>/<epoch>/owner             held open by the writer; without this name nothing is acknowledged (R12)
//   <directory>/<epoch>/00000000.seg …    segment files
//   <directory>/<epoch>/seal              where the WAL of that epoch ends, for ever
//   <directory>/.new-<process>-…          being made, or being removed; nobody looks into it
//
// - What has to be there whole, or not at all, is made under a `.new-` name and gets its own by link or rename, which
//   fail if the name is taken: of two who make an epoch's folder (its writer, a recoverer who finds none), one does.
// - A directory that holds something else, or belongs to another node or cluster, is refused before anything is made.
// - `opened-` tells an epoch that ended before its WAL was opened from one whose folder got lost.
import { dirname, join } from 'node:path';
import { drawId, type Random } from '../base/runtime.ts';
import { decodeWalPlate, encodeWalPlate, type WalPlate } from '../format/wal-plate.ts';
import { qanatError } from '../model/errors.ts';
import { padNumber } from '../model/object-key.ts';
import { errnoOf } from '../store/file-failure.ts';
import { isAlive, thisProcess } from './process-facts.ts';
import { readSmallFile, unlessMissing, writeNewFile, type WalFiles } from './wal-files.ts';

const plateName = 'wal-id';
const temporaryPrefix = '.new-';
const openedPrefix = 'opened-';

/** Names in the folder of an epoch. */
export const ownerName = 'owner';
export const sealName = 'seal';

/** A fresh name for something that is being made, by this process. */
export function temporaryPath(directory: string, random: Random): string {
  const { pid, startTime = '' } = thisProcess();
  return join(directory, `${temporaryPrefix}${pid}-${startTime}-${drawId(random)}`);
}

/** Whether a name was given to something by a process that has died. */
function isLeftover(name: string): boolean {
  const [, pid, startTime] = /^\.new-(\d+)-(\d*)-/.exec(name) ?? [];
  if (pid === undefined) return false;
  return !isAlive({ pid: Number(pid), startTime: startTime === '' ? undefined : startTime, bootId: undefined });
}

export function epochFolder(directory: string, nodeEpoch: number): string {
  return join(directory, padNumber(nodeEpoch));
}

/** What the plate of a directory says; undefined if there is none. */
export async function readPlate(files: WalFiles, directory: string): Promise<WalPlate | undefined> {
  const path = join(directory, plateName);
  const bytes = await readSmallFile(files, path);
  return bytes === undefined ? undefined : decodeWalPlate(bytes, { key: path });
}

/** Takes the directory for a node, or finds that it is the node's already. STORE_UNSUITABLE if it is not. */
export async function claimDirectory(
  files: WalFiles,
  directory: string,
  { clusterId, node }: Omit<WalPlate, 'walId'>,
  random: Random,
): Promise<WalPlate> {
  const known = (await readPlate(files, directory)) ?? (await makePlate(files, directory, { clusterId, node }, random));
  if (known.node !== node || known.clusterId !== clusterId)
    throw unsuitable(directory, `it belongs to node ${known.node} of cluster ${known.clusterId}`);
  return known;
}

async function makePlate(
  files: WalFiles,
  directory: string,
  owner: Omit<WalPlate, 'walId'>,
  random: Random,
): Promise<WalPlate> {
  await ensureDirectory(files, directory);
  const other = (await files.list(directory)).filter((name) => !name.startsWith(temporaryPrefix)).toSorted()[0];
  if (other !== undefined) {
    const since = await readPlate(files, directory); // It is the first thing in a directory: made since we looked.
    if (since !== undefined) return since;
    throw unsuitable(directory, `it holds something else, such as '${other}', and no '${plateName}'`);
  }
  const temporary = temporaryPath(directory, random);
  await writeNewFile(files, temporary, encodeWalPlate({ ...owner, walId: drawId(random) }));
  await linkUnlessThere(files, temporary, join(directory, plateName));
  const plate = await readPlate(files, directory);
  if (plate === undefined) throw unsuitable(directory, `its '${plateName}' vanished`);
  return plate;
}

/** Gives a file that was made under a temporary name its own, durably. False if the name was taken. */
export async function linkUnlessThere(files: WalFiles, temporary: string, path: string): Promise<boolean> {
  try {
    await files.link(temporary, path);
    return true;
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw cause;
    return false;
  } finally {
    await files.syncDirectory(dirname(path)); // Whoever made it: from now on it is there for good.
    await files.remove(temporary).catch(() => {});
  }
}

/** Makes the folder of an epoch with what `fill` puts into it. False if it was there. */
export async function makeEpochFolder(
  files: WalFiles,
  directory: string,
  nodeEpoch: number,
  random: Random,
  fill: (folder: string) => Promise<void>,
): Promise<boolean> {
  const temporary = temporaryPath(directory, random);
  await files.makeDirectory(temporary);
  try {
    await fill(temporary);
    await files.syncDirectory(temporary);
    await files.rename(temporary, epochFolder(directory, nodeEpoch));
  } catch (cause) {
    await removeFolder(files, temporary).catch(() => {});
    if (errnoOf(cause) !== 'ENOTEMPTY' && errnoOf(cause) !== 'EEXIST') throw cause;
    return false;
  }
  await files.syncDirectory(directory);
  return true;
}

/** Whether the folder of an epoch is there. */
export async function hasEpochFolder(files: WalFiles, directory: string, nodeEpoch: number): Promise<boolean> {
  return (await unlessMissing(files.list(epochFolder(directory, nodeEpoch)))) !== undefined;
}

/** Writes down that the folder of an epoch was made here. */
export async function markOpened(files: WalFiles, directory: string, nodeEpoch: number): Promise<void> {
  const marks = (await files.list(directory)).filter((name) => name.startsWith(openedPrefix));
  const mark = `${openedPrefix}${padNumber(nodeEpoch)}`;
  if (!marks.includes(mark)) await writeNewFile(files, join(directory, mark), new Uint8Array(0));
  await files.syncDirectory(directory);
  for (const older of marks) if (older < mark) await unlessMissing(files.remove(join(directory, older)));
}

/** The last epoch whose folder was made here; 0 if none was. */
export async function lastOpened(files: WalFiles, directory: string): Promise<number> {
  const names = await files.list(directory);
  const epochs = names
    .filter((name) => name.startsWith(openedPrefix))
    .map((name) => Number(name.slice(openedPrefix.length)));
  return Math.max(0, ...epochs);
}

/** Removes the folders of epochs of which nothing is needed any more, and what was left half made. */
export async function removeEpochs(
  files: WalFiles,
  directory: string,
  random: Random,
  isOver: (nodeEpoch: number) => boolean,
): Promise<void> {
  for (const name of (await unlessMissing(files.list(directory))) ?? []) {
    if (!/^\d{16}$/.test(name) || !isOver(Number(name))) continue;
    const temporary = temporaryPath(directory, random);
    await unlessMissing(files.rename(join(directory, name), temporary));
    await removeFolder(files, temporary);
  }
}

/** Removes what somebody who died has left half made. */
export async function removeTemporaries(files: WalFiles, directory: string): Promise<void> {
  for (const name of await files.list(directory)) {
    if (!isLeftover(name)) continue;
    const path = join(directory, name);
    await files.remove(path).catch(() => removeFolder(files, path).catch(() => {}));
  }
}

/** Removes a folder and the files in it. */
async function removeFolder(files: WalFiles, folder: string): Promise<void> {
  for (const name of (await unlessMissing(files.list(folder))) ?? [])
    await unlessMissing(files.remove(join(folder, name)));
  await unlessMissing(files.removeDirectory(folder));
}

/** Makes a directory and those above it, durably. */
async function ensureDirectory(files: WalFiles, path: string): Promise<void> {
  try {
    await files.makeDirectory(path);
  } catch (cause) {
    const above = dirname(path);
    if (errnoOf(cause) === 'EEXIST') return;
    if (errnoOf(cause) !== 'ENOENT' || above === path) throw cause;
    await ensureDirectory(files, above);
    return ensureDirectory(files, path);
  }
  await files.syncDirectory(dirname(path));
}

/** The error for a directory that is not one of a file WAL of this node. */
export function unsuitable(directory: string, problem: string, cause?: unknown): Error {
  const message = `the directory ${JSON.stringify(directory)} cannot be used for the WAL: ${problem}`;
  return qanatError('STORE_UNSUITABLE', message, { problem }, { cause });
}
