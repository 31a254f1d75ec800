// js-libp2p, which speaks circuit relay v2 too. `relay`: a relay until stdin ends. `meet ADDRESS`: two peers that
// reserve at a relay and ping each other through it. Prints lines of JSON.
import { createLibp2p } from 'libp2p'
import { tcp } from '@libp2p/tcp'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { multiaddr } from '@multiformats/multiaddr'

// Node 20 has it not yet.
Promise.withResolvers ??= () => {
  const deferred = {}
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }))
  return deferred
}

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')
const peer = (listen, services = {}) => createLibp2p({
  addresses: { listen },
  transports: [tcp(), circuitRelayTransport()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify(), ping: ping({ runOnLimitedConnection: true }), ...services }
})

const [role, address] = process.argv.slice(2)
try {
  if (role === 'relay') {
    const relay = await peer(['/ip4/127.0.0.1/tcp/0'], {
      relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } })
    })
    say({ addresses: relay.getMultiaddrs().map(String) })
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.on('end', resolve))
  } else {
    const near = await peer([])
    const far = await peer([`${address}/p2p-circuit`])
    const begun = Date.now()
    while (far.getMultiaddrs().length === 0 && Date.now() - begun < 10000) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    say({ reserved: far.getMultiaddrs().map(String) })
    const ms = await near.services.ping.ping(multiaddr(`${address}/p2p-circuit/p2p/${far.peerId}`))
    say({ ping: ms })
  }
} catch (error) {
  say({ error: `${error.name}: ${error.message}` })
}
process.exit(0)
