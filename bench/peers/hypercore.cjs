// What bench/peers/hypercore.py asks of Hypercore; each answer is one line of JSON.
//
//   append FOLDER BLOCKS SIZE BATCH   seconds of appending
//   serve FOLDER [BLOCKS PAUSE_MS SIZE]  port and key; once a peer is here, appends block after block
//   fetch FOLDER PORT KEY BLOCKS      seconds until all blocks are here
//   watch FOLDER PORT KEY BLOCKS      when each block came, in ms since 1970
'use strict'
const { createRequire } = require('module')
const path = require('path')
const net = require('net')
const from = createRequire(path.join(process.env.HYPERCORE_MODULES, 'package.json'))
const Hypercore = from('hypercore')

const now = () => performance.timeOrigin + performance.now()
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const block = (size, n) => { const made = Buffer.alloc(size, n & 255); made.writeUInt32BE(n); return made }
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function append (folder, blocks, size, batch) {
  const core = new Hypercore(folder)
  await core.ready()
  const start = performance.now()
  for (let n = 0; n < blocks; n += batch) {
    await core.append(Array.from({ length: batch }, (_, more) => block(size, n + more)))
  }
  say({ seconds: (performance.now() - start) / 1000 })
  await core.close()
}

async function serve (folder, blocks, pause, size) {
  const core = new Hypercore(folder)
  await core.ready()
  const server = net.createServer(async (socket) => {
    socket.on('error', () => {})
    socket.setNoDelay(true)
    const stream = core.replicate(false)
    stream.on('error', () => {})
    socket.pipe(stream).pipe(socket)
    if (!blocks) return
    await rest(1000)
    const asked = []
    for (let n = 0; n < blocks; n++) {
      asked.push(now())
      await core.append(block(size, n))
      await rest(pause)
    }
    say({ asked })
  })
  server.listen(0, '127.0.0.1', () => say({ port: server.address().port, key: core.key.toString('hex') }))
}

function connected (folder, port, key) {
  const core = new Hypercore(folder, Buffer.from(key, 'hex'))
  const socket = net.connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  const stream = core.replicate(true)
  stream.on('error', () => {})
  socket.on('error', () => {})
  socket.pipe(stream).pipe(socket)
  return core
}

async function fetched (folder, port, key, blocks) {
  const start = performance.now()
  const core = connected(folder, port, key)
  await core.ready()
  await core.download({ start: 0, end: blocks }).done()
  say({ seconds: (performance.now() - start) / 1000 })
  process.exit(0)
}

async function watch (folder, port, key, blocks) {
  const core = connected(folder, port, key)
  await core.ready()
  core.download({ start: 0, end: -1 })
  const came = []
  for (let n = 0; n < blocks; n++) {
    await core.get(n)
    came.push(now())
  }
  say({ came })
  process.exit(0)
}

const [what, folder, ...more] = process.argv.slice(2)
const numbers = more.map(Number)
const ran = {
  append: () => append(folder, ...numbers),
  serve: () => serve(folder, ...numbers),
  fetch: () => fetched(folder, numbers[0], more[1], numbers[2]),
  watch: () => watch(folder, numbers[0], more[1], numbers[2])
}[what]()
ran.catch((error) => { process.stderr.write(String(error.stack) + '\n'); process.exit(1) })
