-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- sno.lua: shows the signalling of sno-mobility (common/PROTOCOL) in Wireshark and tshark.
--
--	tshark -X lua_script:sno.lua -r capture.pcap -V
--	wireshark -X lua_script:sno.lua capture.pcap
--
-- or copy it into the personal plug-in folder (Help, About, Folders). Datagrams between cores (UDP
-- port 6275) are protocol `sno`, and so are those between terminals and cores (6276). What is sealed
-- is opened with a key log that the daemons of a lab write when SNO_KEYLOGFILE names it
-- (sno-core-agent(8), ENVIRONMENT). Its path is the preference "Key log" (-o sno.keylog:FILE), by
-- default the same variable's. Tags are not verified: who has the keys can have forged what is shown.

local PORT_CORE, PORT_ACCESS = 6275, 6276

---- section 3.1 ---------------------------------------------------------------------------------

local SEALED, BUNDLE = 0x03, 0x3f
local MESSAGES = {
	[0x01] = "Handshake initiation", [0x02] = "Handshake response", [SEALED] = "Sealed",
	[0x04] = "Cookie", [0x05] = "Cookie proof",
	[0x10] = "Hello", [0x11] = "Identity", [0x12] = "Assignment",
	[0x20] = "Core advertisement", [0x21] = "Core discovery", [0x22] = "Registration done",
	[0x23] = "Registration reject", [0x24] = "Registration",
	[0x30] = "Authentication", [0xb0] = "Authentication ACK",
	[0x31] = "CoA + tunnel request", [0xb1] = "Tunnel ACK",
	[0x32] = "Core disconnect", [0xb2] = "Disconnection ACK",
	[0x33] = "Release", [0xb3] = "Release ACK",
	[0x34] = "Handover done", [0xb4] = "Handover done ACK",
	[0x35] = "Proactive authentication", [0xb5] = "Proactive authentication ACK",
	[0x36] = "Handover announcement", [0xb6] = "Handover announcement ACK",
	[0x37] = "Echo", [0xb7] = "Echo ACK",
	[0x3e] = "Keepalive", [BUNDLE] = "Bundle", [0xff] = "Error",
}

---- section 11 ----------------------------------------------------------------------------------

local REASONS = {
	[0] = "accepted", "unknown-realm", "unknown-terminal", "authentication-failed", "resync",
	"no-care-of-address", "no-home-address", "kernel-refused", "home-unreachable",
	"no-common-tunnel", "not-permitted", "wrong-core", "stale-binding", "terminal-moved",
	"lifetime-expired", "terminal-left", "core-restarted", "administrative", "busy", "unsupported",
	"timeout", "not-arrived", "not-prepared", "no-common-protection",
}
local MODES = { "baseline", "combined", "proactive", "predictive", "soft" }
local SUITES = { "ChaCha20-Poly1305", "AES-256-GCM" }
local KINDS = { [1] = "gre over IPv4", [2] = "gre over IPv6", [4] = "gpe over IPv4",
	[8] = "gpe over IPv6", [16] = "ipip over IPv4" }

---- section 3.2 ---------------------------------------------------------------------------------

-- Kinds of value: number (with the names of its values), text, octets, address, prefix, ether, and
-- the two that hold something of their own.
local ATTRIBUTES = {
	[0x01] = { "CORE", "text" }, [0x02] = { "REALM", "text" }, [0x03] = { "USER", "text" },
	[0x04] = { "EPOCH", "number" }, [0x05] = { "HOME_EPOCH", "number" },
	[0x06] = { "COUNTER", "number" }, [0x07] = { "INDEX", "number" },
	[0x08] = { "HANDSHAKE", "noise" }, [0x09] = { "SEALED", "sealed" },
	[0x0a] = { "LINK_LAYER", "ether" }, [0x0b] = { "LINK_LOCAL", "address" },
	[0x0c] = { "MTU", "number" }, [0x0d] = { "INTERVAL", "number", unit = "ms" },
	[0x0e] = { "REASON", "number", names = REASONS },
	[0x0f] = { "LIFETIME", "number", unit = "s" },
	[0x10] = { "HOA4", "address" }, [0x11] = { "HOA6", "address" }, [0x12] = { "PREFIX", "prefix" },
	[0x13] = { "ACCESS_KEY", "octets" }, [0x14] = { "BINDING", "number" },
	[0x15] = { "COA", "address" }, [0x16] = { "TUNNEL_KIND", "number", names = KINDS },
	[0x17] = { "TUNNEL_KINDS", "number" }, [0x18] = { "TUNNEL_KEY", "number" },
	[0x19] = { "TUNNEL_END4", "address" }, [0x1a] = { "TUNNEL_END6", "address" },
	[0x1b] = { "NEXT_SATELLITE", "text" }, [0x1c] = { "NEXT_CORE", "text" },
	[0x1d] = { "GAP", "number", unit = "us" }, [0x1e] = { "REGISTRATION_TIME", "number", unit = "us" },
	[0x1f] = { "HANDOVER_COUNTER", "number" }, [0x20] = { "HANDOVER_KEY", "octets" },
	[0x21] = { "ARRIVAL", "octets" }, [0x22] = { "EXPECTED", "number", unit = "ms" },
	[0x23] = { "HOLD", "number" }, [0x24] = { "UPLINK_DELAY", "number", unit = "us" },
	[0x25] = { "MODE", "number", names = MODES },
	[0x26] = { "FIRST_PACKET", "number", unit = "us" }, [0x27] = { "BUFFERED", "number" },
	[0x28] = { "DROPPED", "number" }, [0x29] = { "HANDOVER_TAG", "octets" },
	[0x2a] = { "HANDOVER_PROOF", "octets" }, [0x2b] = { "EPHEMERAL", "octets" },
	[0x2c] = { "SUITES", "number" }, [0x2d] = { "SUITE", "number", names = SUITES },
	[0x2e] = { "SPI", "number" },
}

---- fields --------------------------------------------------------------------------------------

local sno = Proto("sno", "SNO mobility")

local F = {
	type = ProtoField.uint8("sno.type", "Type", base.HEX, MESSAGES),
	version = ProtoField.uint8("sno.version", "Version"),
	reserved = ProtoField.uint16("sno.reserved", "Reserved", base.HEX),
	id = ProtoField.uint32("sno.id", "Id", base.HEX),
	counter = ProtoField.uint64("sno.counter", "Counter"),
	sealed = ProtoField.bytes("sno.ciphertext", "Ciphertext and tag"),
	hint = ProtoField.bytes("sno.hint", "Hint"),
	echo = ProtoField.bytes("sno.echo", "Echo"),
	cookie = ProtoField.bytes("sno.cookie", "Cookie"),
	proof = ProtoField.bytes("sno.cookie_proof", "Proof"),
	receiver = ProtoField.uint32("sno.receiver_index", "Receiver index", base.HEX),
	ephemeral = ProtoField.bytes("sno.noise.ephemeral", "Ephemeral key"),
	static = ProtoField.bytes("sno.noise.static", "Static key, encrypted"),
	payload = ProtoField.bytes("sno.noise.payload", "Payload, encrypted"),
	opened = ProtoField.bool("sno.opened", "Opened by the key log"),
	length = ProtoField.uint16("sno.length", "Length"),
	attribute = ProtoField.none("sno.attribute", "Attribute"),
	skipped = ProtoField.bytes("sno.skipped", "Unknown attribute, skipped"),
}

-- One field for each attribute: sno.core, sno.home_epoch, ...
local VALUES = {}
for _, attribute in pairs(ATTRIBUTES) do
	local name, kind = attribute[1], attribute[2]
	local filter = "sno." .. name:lower()

	if name == "COUNTER" then filter = "sno.registration_counter" end
	if name == "SEALED" then filter = "sno.registration_sealed" end
	if kind == "number" then
		VALUES[name] = ProtoField.uint64(filter, name)
	elseif kind == "text" or kind == "address" or kind == "prefix" then
		VALUES[name] = ProtoField.string(filter, name)
	elseif kind == "ether" then
		VALUES[name] = ProtoField.ether(filter, name)
	else
		VALUES[name] = ProtoField.bytes(filter, name)
	end
end
local all = {}
for _, field in pairs(F) do all[#all + 1] = field end
for _, field in pairs(VALUES) do all[#all + 1] = field end
sno.fields = all

local malformed = ProtoExpert.new("sno.malformed", "Would be dropped", expert.group.MALFORMED,
	expert.severity.WARN)
sno.experts = { malformed }

sno.prefs.keylog = Pref.string("Key log", os.getenv("SNO_KEYLOGFILE") or "",
	"The file that the daemons of a lab write when SNO_KEYLOGFILE names it")

---- the key log ---------------------------------------------------------------------------------

local sealed_keys, noise_keys = {}, {}

local function from_hex(text)
	return (text:gsub("%x%x", function(octet) return string.char(tonumber(octet, 16)) end))
end

function sno.init()
	sealed_keys, noise_keys = {}, {}
	if sno.prefs.keylog == "" then return end
	local file = io.open(sno.prefs.keylog)
	if not file then return end
	for line in file:lines() do
		local index, key = line:match("^SEALED (%x+) (%x+)$")
		local ephemeral, payload_key = line:match("^NOISE (%x+) (%x+)$")

		if index then sealed_keys[tonumber(index, 16)] = from_hex(key) end
		if ephemeral then noise_keys[from_hex(ephemeral)] = from_hex(payload_key) end
	end
	file:close()
end

---- ChaCha20 (RFC 8439 section 2.4) -------------------------------------------------------------

local bits = bit32 or bit
local rotate = bits.lrotate or bits.rol

local function word(octets, at)
	local a, b, c, d = octets:byte(at, at + 3)
	return a + b * 0x100 + c * 0x10000 + d * 0x1000000
end

local function quarter(s, a, b, c, d)
	s[a] = (s[a] + s[b]) % 2^32; s[d] = rotate(bits.bxor(s[d], s[a]), 16) % 2^32
	s[c] = (s[c] + s[d]) % 2^32; s[b] = rotate(bits.bxor(s[b], s[c]), 12) % 2^32
	s[a] = (s[a] + s[b]) % 2^32; s[d] = rotate(bits.bxor(s[d], s[a]), 8) % 2^32
	s[c] = (s[c] + s[d]) % 2^32; s[b] = rotate(bits.bxor(s[b], s[c]), 7) % 2^32
end

local function key_stream(key, block, nonce)
	local start = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }
	local s, out = {}, {}

	for i = 0, 7 do start[5 + i] = word(key, 1 + 4 * i) end
	start[13] = block
	for i = 0, 2 do start[14 + i] = word(nonce, 1 + 4 * i) end
	for i = 1, 16 do s[i] = start[i] end
	for _ = 1, 10 do
		quarter(s, 1, 5, 9, 13); quarter(s, 2, 6, 10, 14)
		quarter(s, 3, 7, 11, 15); quarter(s, 4, 8, 12, 16)
		quarter(s, 1, 6, 11, 16); quarter(s, 2, 7, 12, 13)
		quarter(s, 3, 8, 9, 14); quarter(s, 4, 5, 10, 15)
	end
	for i = 1, 16 do
		local v = (s[i] + start[i]) % 2^32
		out[i] = string.char(v % 256, math.floor(v / 0x100) % 256, math.floor(v / 0x10000) % 256,
			math.floor(v / 0x1000000))
	end
	return table.concat(out)
end

-- The text of an AEAD_CHACHA20_POLY1305 ciphertext, whose last 16 octets are the tag.
local function open(key, counter, ciphertext)
	local nonce = "\0\0\0\0" .. counter:reverse()   -- eight octets, big-endian on the wire
	local out = {}

	for at = 1, #ciphertext - 16, 64 do
		local stream = key_stream(key, (at - 1) / 64 + 1, nonce)
		for i = at, math.min(at + 63, #ciphertext - 16) do
			out[#out + 1] = string.char(bits.bxor(ciphertext:byte(i), stream:byte(i - at + 1)))
		end
	end
	return table.concat(out)
end

local function opened_tvb(key, counter, range, name)
	return ByteArray.new(open(key, counter, range:raw()), true):tvb(name)
end

---- values --------------------------------------------------------------------------------------

local function address_text(range)
	if range:len() == 4 then return tostring(range:ipv4()) end
	if range:len() == 16 then return tostring(range:ipv6()) end
	return tostring(range:bytes())
end

local function add_value(tree, attribute, range)
	local name, kind = attribute[1], attribute[2]
	local field = VALUES[name]

	if kind == "number" and range:len() <= 8 and range:len() > 0 then
		local value = range:len() > 4 and range:uint64() or UInt64(range:uint())
		local item = tree:add(field, range, value)
		local word_ = attribute.names and attribute.names[value:tonumber()]
		if word_ then item:append_text(" (" .. word_ .. ")") end
		if attribute.unit then item:append_text(" " .. attribute.unit) end
		return item
	elseif kind == "text" then
		return tree:add(field, range, range:string())
	elseif kind == "address" then
		return tree:add(field, range, address_text(range))
	elseif kind == "prefix" and range:len() == 17 then
		return tree:add(field, range, address_text(range(1, 16)) .. "/" .. range(0, 1):uint())
	end
	return tree:add(field, range)
end

---- messages ------------------------------------------------------------------------------------

local dissect_message

-- A Noise message (sections 4.1, 5.4, 5.5); with the static key in it when it is the first of IK.
local function dissect_noise(tree, range, has_static, names)
	local at = 32

	if range:len() < 48 then return end
	tree:add(F.ephemeral, range(0, 32))
	if has_static and range:len() >= 96 then
		tree:add(F.static, range(32, 48))
		at = 80
	end
	local payload = range(at)
	local key = noise_keys[range(0, 32):raw()]
	local item = tree:add(F.payload, payload)

	item:add(F.opened, payload, key ~= nil):set_generated()
	if key then
		local text = opened_tvb(key, ("\0"):rep(8), payload, "Noise payload")
		dissect_message(item, text(), names)
	end
end

-- Counter and ciphertext to a receiver index (sections 4.2 and 5.3).
local function dissect_sealed(tree, range, index, names)
	if range:len() < 24 then
		tree:add_proto_expert_info(malformed, "short")
		return
	end
	local key = sealed_keys[index]
	local ciphertext = range(8)

	tree:add(F.counter, range(0, 8))
	local item = tree:add(F.sealed, ciphertext)
	item:add(F.opened, ciphertext, key ~= nil):set_generated()
	if not key then return end
	local text = opened_tvb(key, range(0, 8):raw(), ciphertext, "Opened")
	dissect_message(item, text(), names)
end

local INITIATING = { [0x21] = true, [0x30] = true }

local function dissect_attributes(tree, range, type, id, names)
	local at, before = 0, 0

	while at < range:len() do
		if range:len() - at < 3 or range:len() - at - 3 < range(at + 1, 2):uint() then
			tree:add_proto_expert_info(malformed, "short")
			return
		end
		local code, length = range(at, 1):uint(), range(at + 1, 2):uint()
		local value = length > 0 and range(at + 3, length) or nil
		local attribute = ATTRIBUTES[code]

		if code <= before then tree:add_proto_expert_info(malformed, "order") end
		if attribute and value then
			local item = add_value(tree, attribute, value)
			if attribute[2] == "noise" then dissect_noise(item, value, INITIATING[type], names) end
			if attribute[2] == "sealed" then dissect_sealed(item, value, id, names) end
		elseif code >= 0x80 then
			tree:add(F.skipped, range(at, 3 + length))
		else
			tree:add_proto_expert_info(malformed, attribute and "length" or "unknown")
		end
		at, before = at + 3 + length, code
	end
end

local function dissect_bundle(tree, range, names)
	local at = 0

	while at + 2 <= range:len() do
		local length = range(at, 2):uint()
		if length == 0 or at + 2 + length > range:len() then break end
		tree:add(F.length, range(at, 2))
		dissect_message(tree, range(at + 2, length), names)
		at = at + 2 + length
	end
	if at ~= range:len() then tree:add_proto_expert_info(malformed, "short") end
end

-- Adds one message, head included; `names` gathers what the information column says.
function dissect_message(tree, range, names)
	if range:len() < 8 then
		tree:add_proto_expert_info(malformed, "short")
		return
	end
	local type, id = range(0, 1):uint(), range(4, 4):uint()
	local name = MESSAGES[type] or string.format("Unknown (0x%02x)", type)
	local item = tree:add(sno, range, name)
	local rest = range:len() > 8 and range(8) or nil

	names[#names + 1] = name
	item:add(F.type, range(0, 1))
	item:add(F.version, range(1, 1))
	item:add(F.reserved, range(2, 2))
	item:add(F.id, range(4, 4))
	if range(1, 1):uint() ~= 1 or range(2, 2):uint() ~= 0 then
		item:add_proto_expert_info(malformed, "version")
	elseif not MESSAGES[type] then
		item:add_proto_expert_info(malformed, "type")
	elseif not rest then
		return
	elseif type == 0x01 and rest:len() >= 8 then
		item:add(F.hint, rest(0, 8))
		if rest:len() > 8 then dissect_noise(item, rest(8), false, names) end
	elseif type == 0x02 and rest:len() >= 4 then
		item:add(F.receiver, rest(0, 4))
		if rest:len() > 4 then dissect_noise(item, rest(4), false, names) end
	elseif type == 0x04 and rest:len() == 32 then
		item:add(F.echo, rest(0, 16))
		item:add(F.cookie, rest(16, 16))
	elseif type == 0x05 and rest:len() > 16 then
		item:add(F.proof, rest(0, 16))
		dissect_message(item, rest(16), names)
	elseif type == SEALED then
		dissect_sealed(item, rest, id, names)
	elseif type == BUNDLE then
		dissect_bundle(item, rest, names)
	else
		dissect_attributes(item, rest, type, id, names)
	end
end

function sno.dissector(tvb, pinfo, tree)
	local names = {}

	pinfo.cols.protocol = "SNO"
	dissect_message(tree, tvb(), names)
	pinfo.cols.info = table.concat(names, ", ")
	return tvb:len()
end

local udp = DissectorTable.get("udp.port")
udp:add(PORT_CORE, sno)
udp:add(PORT_ACCESS, sno)
