import { checkLog, describeFailure } from 'qanat/testkit';

class ToyLog {
  disk = new Map(); // The batches of each stream: what a crash leaves.
  starts = new Map(); // Where streams begin that were trimmed.
  opened = new Set();

  async create(name) {
    if (this.disk.has(name)) refuse('STREAM_EXISTS');
    this.disk.set(name, []);
    this.opened.add(name);
  }
  async append(name, { bytes, count }) {
    if (!this.opened.has(name)) refuse('STREAM_CLOSED');
    const startOffset = this.batches(name).at(-1)?.endOffset ?? 0;
    const batch = { bytes: bytes.slice(), count, startOffset, endOffset: startOffset + count };
    this.batches(name).push(batch);
    return batch;
  }
  async range(name) {
    return { startOffset: this.starts.get(name) ?? 0, endOffset: this.batches(name).at(-1)?.endOffset ?? 0 };
  }
  async read(name, from, { to = Infinity } = {}) {
    const { startOffset, endOffset } = await this.range(name);
    if (from < startOffset || from > endOffset) refuse('OFFSET_OUT_OF_RANGE');
    const batch = this.batches(name).find((one) => one.endOffset > from && one.startOffset < to);
    return { startOffset, endOffset, batches: batch === undefined ? [] : [batch] };
  }
  async trim(name, startOffset) {
    const range = await this.range(name);
    if (startOffset > range.endOffset) refuse('OFFSET_OUT_OF_RANGE');
    this.starts.set(name, Math.max(startOffset, range.startOffset));
  }
  async delete(name) {
    this.batches(name);
    for (const part of [this.disk, this.starts, this.opened]) part.delete(name);
  }
  async crash() {
    this.opened.clear();
    this.starts.clear(); // What was in memory is gone.
  }
  open = async (name) => void this.opened.add(this.batches(name) && name);
  closeStream = async (name) => void this.opened.delete(name);
  reopen = async () => this.opened.clear();
  close = async () => {};
  batches = (name) => this.disk.get(name) ?? refuse('STREAM_NOT_FOUND');
}

function refuse(code) {
  throw Object.assign(new Error(code), { code, outcome: 'none' }); // Certainly nothing has changed.
}

const { failure } = await checkLog({ simulate: true, open: async () => new ToyLog() });
console.log(failure === undefined ? 'It keeps every promise.' : describeFailure(failure));
