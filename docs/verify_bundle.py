#!/usr/bin/env python3
"""Checks an evidence bundle of Lianban, written from evidence.md alone (EV-12).
usage: verify_bundle.py FILE [--key KEY] [--checkpoint FILE]... [--receipt FILE]...
exit:  0 PASS, 1 FAIL or CONFLICT, 2 unreadable, 3 UNPINNED"""
import argparse, base64, binascii, datetime as dt, hashlib, json, re, struct, sys

class Unreadable(Exception): pass
class Conflict(Exception): pass
def need(ok, why, kind=ValueError):
    if not ok: raise kind(why)

# Ed25519, RFC 8032 section 5.1.7
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
def add(a, b):
    A, B = (a[1]-a[0])*(b[1]-b[0]) % P, (a[1]+a[0])*(b[1]+b[0]) % P
    C, E = 2*a[3]*b[3]*D % P, 2*a[2]*b[2] % P
    e, f, g, h = B-A, E-C, E+C, B+A
    return (e*f % P, g*h % P, f*g % P, e*h % P)
def mul(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1: q = add(q, p)
        p, n = add(p, p), n >> 1
    return q
def point(b):
    y = int.from_bytes(b, 'little'); sign, y = y >> 255, y & (1 << 255) - 1
    x2 = (y*y - 1) * pow(D*y*y + 1, -1, P) % P
    x = pow(x2, (P + 3)//8, P)
    if x*x % P != x2: x = x * pow(2, (P - 1)//4, P) % P
    need(y < P and x*x % P == x2, 'no point of the curve')
    if x & 1 != sign: x = P - x
    return (x, y, 1, x*y % P)
def signed(key, text, sig):
    s = int.from_bytes(sig[32:], 'little')
    h = int.from_bytes(hashlib.sha512(sig[:32] + key + text).digest(), 'little') % L
    x, y, z, t = point(key)
    q = add(mul(s, point((4*pow(5, -1, P) % P).to_bytes(32, 'little'))), mul(h, (P-x, y, z, P-t)))
    i = pow(q[2], -1, P)
    return len(sig) == 64 and s < L and (q[1]*i % P | (q[0]*i % P & 1) << 255).to_bytes(32, 'little') == sig[:32]

def b64(s, n):
    raw = base64.b64decode(s, validate=True)
    need(base64.b64encode(raw).decode() == s and len(raw) == n, 'not base64 of the right length')
    return raw
def key_of(s):  # "name+hash+base64(1, public key)"
    name, digest, rest = s.strip().split('+', 2)
    raw = b64(rest, 33)
    need(raw[0] == 1 and hashlib.sha256(name.encode() + b'\n' + raw).hexdigest()[:8] == digest, 'not a log key')
    return name, bytes.fromhex(digest), raw[1:]
def note(b, key):  # the text that key signed
    text, _, sigs = b.decode().rpartition('\n\n')
    for line in sigs.splitlines():
        if line.startswith('— %s ' % key[0]):
            sig = b64(line.split(' ')[2], 68)
            if sig[:4] == key[1] and signed(key[2], (text + '\n').encode(), sig[4:]): return text + '\n'
    raise ValueError('not signed by the key')
def checkpoint(b, key):
    text = b.decode().replace('\r', '')
    if text.strip().startswith('校验点 '):  # the two lines at the end of a mail
        head, sig = text.strip().split('\n', 1)
        b = ('\n'.join(head.split(' ')[1:]) + '\n\n' + sig.strip() + '\n').encode()
    origin, size, root, end = note(b, key).split('\n')
    need(origin == key[0] and str(int(size)) == size and int(size) > 0 and not end, 'not a checkpoint')
    return int(size), b64(root, 32)

# RFC 9162 sections 2.1.1, 2.1.3.2, 2.1.4.2
def H(b): return hashlib.sha256(b).digest()
def included(leaf, i, size, path, root):
    need(0 <= i < size, 'beyond the tree')
    fn, sn, r = i, size - 1, H(b'\0' + leaf)
    for p in path:
        need(sn, 'proof too long')
        if fn & 1 or fn == sn:
            r = H(b'\1' + p + r)
            while not fn & 1 and fn: fn, sn = fn >> 1, sn >> 1
        else: r = H(b'\1' + r + p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0 and r == root, 'leaf %d is not in the tree' % i)
def continued(old, root1, size, root2, path):
    need(0 < old < size and path, 'not older')
    if old & old - 1 == 0: path = [root1] + path
    fn, sn, (fr, *rest) = old - 1, size - 1, path
    while fn & 1: fn, sn = fn >> 1, sn >> 1
    sr = fr
    for p in rest:
        need(sn, 'proof too long')
        if fn & 1 or fn == sn:
            fr, sr = H(b'\1' + p + fr), H(b'\1' + p + sr)
            while not fn & 1 and fn: fn, sn = fn >> 1, sn >> 1
        else: sr = H(b'\1' + sr + p)
        fn, sn = fn >> 1, sn >> 1
    need(fr == root1 and sr == root2 and sn == 0, 'checkpoint %d is not continued' % old)
def proof(b, head):  # first lines, hashes, empty line, checkpoint
    lines, note_ = b.decode().split('\n\n', 1)
    first, *lines = lines.split('\n')
    need(first == head, 'not a proof')
    return lines, note_.encode()

def unzip(raw):  # stored, sorted, one form only
    files, at = {}, 0
    while raw[at:at+4] == b'PK\3\4':
        size, n = struct.unpack_from('<IH', raw, at + 22)
        name = raw[at+30:at+30+n].decode('ascii')
        need(name not in files, 'a name twice', Unreadable)
        files[name], at = raw[at+30+n:at+30+n+size], at + 30 + n + size
    body, directory = b'', b''
    for name in sorted(files):
        f, n = files[name], name.encode()
        sums = struct.pack('<IIIH', binascii.crc32(f), len(f), len(f), len(n))
        directory += b'PK\1\2' + bytes(12) + sums + bytes(12) + struct.pack('<I', len(body)) + n
        body += b'PK\3\4' + bytes(10) + sums + bytes(2) + n + f
    end = struct.pack('<HHIIH', len(files), len(files), len(directory), len(body), 0)
    need(body + directory + b'PK\5\6' + bytes(4) + end == raw, 'changed or repacked', Unreadable)
    return files
def leaf(b):
    def once(pairs):
        need(len(dict(pairs)) == len(pairs) and all(re.fullmatch('[a-z0-9_]+', k) for k, _ in pairs), 'keys')
        return dict(pairs)
    def plain(v):
        if isinstance(v, dict): return all(map(plain, v.values()))
        if isinstance(v, list): return len({type(x) for x in v}) < 2 and all(type(x) in (int, str) and plain(x) for x in v)
        return type(v) is bool or type(v) is int and abs(v) < 2**53 or type(v) is str and not re.search('[\0-\x1f\x7f]', v)
    e = json.loads(b, object_pairs_hook=once)
    need(e['v'] <= 1, 'a later version', Unreadable)
    need(set(e) == set('v seq type at actor stream stream_seq prev_stream_hash fields'.split()) and plain(e) and
         json.dumps(e, ensure_ascii=False, sort_keys=True, separators=(',', ':')).encode() == b, 'not canonical')
    return e

SHANGHAI = dt.timezone(dt.timedelta(hours=8))
def instant(s): return dt.datetime.strptime(s, '%Y-%m-%dT%H:%M:%S.%fZ').replace(tzinfo=dt.timezone.utc)
def due(f):  # the reply term counted again
    h, m = map(int, f['hours'].split('-')[-1].split(':'))
    closes = lambda d: dt.datetime(d.year, d.month, d.day, h, m, tzinfo=SHANGHAI)
    works = lambda d: str(d) in f['work'] or d.weekday() < 5 and str(d) not in f['off']
    def later(d, n):
        while n or not works(d):
            d += dt.timedelta(1); n -= works(d) and n > 0
        return d
    t1 = instant(f['t1']); day = t1.astimezone(SHANGHAI).date()
    return closes(later(later(day, 1 if t1 >= closes(day) else 0), f['term']))

def verify(files, key, checkpoints, receipts):
    try:
        m = json.loads(files['manifest.json'].decode('utf-8', 'replace'))
        need(m['v'] == 1, 'a later version', Unreadable)
        key = key_of(key or m['key'])
    except (ValueError, KeyError) as e: raise Unreadable(e)
    names = sorted(n for n in files if n.startswith('leaves/'))
    entries = [leaf(files[n]) for n in names]
    digest = base64.b64encode(H(files['manifest.json'])).decode()
    need(note(files['manifest.note'], key) == 'lianban manifest v1\n%s\n' % digest, 'manifest not signed')      # check 0
    need({n: hashlib.sha256(b).hexdigest() for n, b in files.items() if n not in ('manifest.json', 'manifest.note')}
         == m['files'], 'a file was altered, added or removed')
    top = files['checkpoints/%016d.checkpoint' % m['tree_size']]
    size, root = checkpoint(top, key)                                                                           # 1
    need(size == m['tree_size'], 'another checkpoint')
    proofs = sorted(n for n in files if n.startswith('proofs/'))
    need(len(proofs) == len(names) > 0, 'a proof is missing')
    for name, e, p in zip(names, entries, proofs):                                                              # 2
        (index, *path), under = proof(files[p], 'c2sp.org/tlog-proof@v1')
        need(index == 'index %d' % e['seq'] and under == top, 'a proof of something else')
        included(files[name], e['seq'], size, [b64(h, 32) for h in path], root)
    ends, seq = {}, -1                                                                                          # 3
    for name, e in zip(names, entries):
        n, last = ends.get(e['stream'], (0, ''))
        need(e['stream_seq'] == n + 1 and e['prev_stream_hash'] == last and e['seq'] > seq, 'a stream has a hole')
        ends[e['stream']], seq = (n + 1, base64.b64encode(H(b'\0' + files[name])).decode()), e['seq']
    need({s: n for s, (n, _) in ends.items()} == m['streams'], 'a stream is not whole')
    roots = {size: root}                                                                                        # 4
    for name in files:
        if name.startswith('checkpoints/') and not name.endswith('.checkpoint'):
            path, under = proof(files[name], 'lianban/consistency@v1')
            old, was = checkpoint(under, key)
            continued(old, was, size, root, [b64(h, 32) for h in path])
            roots[old] = was
    hashes = {v for e in entries for k, v in e['fields'].items() if k.endswith('_hash') and v}                  # 6
    for name, body in files.items():
        if '/' not in name and name not in ('manifest.json', 'manifest.note', 'keys.txt', 'page.html'):
            salt = bytes.fromhex(m['salts'][name]) or bytes(32)
            need(len(salt) == 32 and H(salt + body).hex() in hashes, 'no leaf commits to ' + name)
    kept = [checkpoint(b, key) for b in checkpoints]
    for r in (note(b, key) for b in receipts):                                                                  # 13
        head, line = r.split('checkpoint ')[0], dict(l.split(' ', 1) for l in r.splitlines()[1:])
        need(line['stream'] in ends, 'a receipt about something else')
        told = [said(e, files[n]) for n, e in zip(names, entries) if e['type'].startswith('reply_')]
        need(head in told, 'the reply is hidden or told otherwise', Conflict)
        if line['checkpoint'] != 'none':
            kept.append((int(line['checkpoint'].split(' ')[1]), b64(line['checkpoint'].split(' ')[2], 32)))
    for old, was in kept:
        need(old in roots, 'checkpoint %d is not covered' % old)
        need(roots[old] == was, 'two roots for one size', Conflict)
    for d in entries:
        if d['type'] == 'deemed': deemed(d['fields'], d, entries)

def said(e, raw):  # what a receipt for this reply says
    f, h = e['fields'], base64.b64encode(H(b'\0' + raw)).decode()
    return ('lianban receipt v1\nstream %s\nstream_seq %d\nleaf %d %s\nvisit %s\nround %d\nreply %s\nkind %s\noutcome %s\nreceived_at %s\n'
            % (e['stream'], e['stream_seq'], e['seq'], h, f['visit'], f['round'], f['reply'], f['kind'], f['outcome'], f['received_at']))

def deemed(f, d, entries):
    mine = [e for e in entries if all((e['stream'], e['fields'].get(k)) == (d['stream'], f[k]) for k in ('visit', 'round'))]
    of = lambda kind: [e['fields'] for e in mine if e['type'] == kind and e['seq'] < d['seq']]
    stands, at, notice = [], instant(f['t2']), None
    reason = f.get('reason', 'no_reply')
    about = 'opinion' if reason == 'no_opinion' else 'notice'
    for e in mine:                                                                                              # 8
        if e['seq'] < d['seq'] and e['type'] == 'answer_refused' and about == 'notice': stands, notice = [], e['fields']['notice']
        if e['seq'] < d['seq'] and e['type'] == 'contest_ended' and e['fields']['outcome'] in ('void', 'later') and about == 'notice':
            stands, notice = [], e['fields'].get('notice', notice)
        if (e['seq'] < d['seq'] and e['type'] == 'arrived' and e['fields']['class'] in ('A', 'B')
            and e['fields'].get('about', 'notice') == about and notice in (None, e['fields'].get('notice'))): stands.append(e['fields']['message'])
        if e['seq'] < d['seq'] and e['type'] == 'delivery_failed': stands = [s for s in stands if s != e['fields']['message']]
    need(stands, 'no proof of service stands')
    if reason != 'no_reply': return visit_day(f, d, mine, of, entries, reason, at)
    t2 = None                                                                                                   # 9
    for s in of('deadline_set'):
        new, was = instant(s['t2']), s.get('was') and instant(s['was'])
        need(new >= due(s) and not (s.get('printed') and new < instant(s['printed'])), 'the term is too short')
        need(not was or new >= was == t2, 'the deadline was moved earlier')
        t2 = new
    need(t2 == at, 'another deadline than the one on record')
    need(instant(d['at']) >= at + dt.timedelta(seconds=f['grace_seconds']), 'too early')                        # 10
    need(f['inbox'] and all(instant(c['alive_through']) > at for c in f['inbox'].values()), 'inbox not read')
    suspended = any(e['type'] == 'deemed_suspended' for e in mine)                                              # 11
    refused = [r['reply'] for r in of('answer_refused')]
    last = max((r['received_at'] for r in of('reply_received') if r['reply'] in refused), key=instant, default=None)
    over = refused + [r['reply'] for r in of('reply_received')
                      if last and r['kind'] == 'accept' and r['outcome'] == 'applied' and instant(r['received_at']) < instant(last)]
    need(suspended or not any(e['type'] == 'reply_received' and e['fields']['reply'] not in over and instant(e['fields']['received_at']) <= at and
         e['fields']['outcome'] != 'superseded' and e['fields']['kind'] != 'delegate' for e in mine), 'a reply in time', Conflict)
    need(set(f['relies']) <= {e['seq'] for e in entries if e['seq'] < d['seq']}, 'relies on what is not here')  # 12

def visit_day(f, d, mine, of, entries, reason, at):  # did not come, or gave no opinion
    judged = instant(f['judged']) if reason == 'no_show' else at
    if reason == 'no_show':                                                                                     # 9
        need(at >= due(f) and at < instant(f['start']), 'the term is too short')
        need(instant(f['site_ended']) >= instant(f['grace_until']), 'the grace was not over')
        need('window' in f['attested'] and len(f['attested']) >= 2, 'not attested by two')
    else:
        t3 = None
        for e in mine:
            if e['seq'] >= d['seq'] or e['type'] not in ('opinion_due', 'opinion_moved'): continue
            new = instant(e['fields']['t3'])
            need(e['type'] == 'opinion_due' or new >= instant(e['fields']['was']) == t3, 'the deadline was moved earlier')
            t3 = new
        need(t3 == at and instant(f['t1']) < at, 'another deadline than the one on record')
    need(instant(d['at']) >= judged + dt.timedelta(seconds=f['grace_seconds']), 'too early')                    # 10
    need(f['inbox'] and all(instant(c['alive_through']) > judged for c in f['inbox'].values()), 'inbox not read')
    suspended = any(e['type'] == 'deemed_suspended' for e in mine)                                              # 11
    need(suspended or not any(o['kind'] != 'deferred' for o in of('opinion_given')), 'an opinion was given', Conflict)
    need(set(f['relies']) <= {e['seq'] for e in entries if e['seq'] < d['seq']}, 'relies on what is not here')  # 12

def verdict(file, key=None, checkpoints=(), receipts=()):  # gives the result and the exit code
    read = lambda name: open(name, 'rb').read()
    try:
        verify(unzip(read(file)), key, [read(f) for f in checkpoints], [read(f) for f in receipts])
    except (Unreadable, OSError, struct.error) as e: return 'UNREADABLE', str(e), 2
    except Conflict as e: return 'CONFLICT', str(e), 1
    except Exception as e: return 'FAIL', str(e) or type(e).__name__, 1
    return ('PASS', '', 0) if key else ('UNPINNED', '', 3)

if __name__ == '__main__':
    a = argparse.ArgumentParser(usage=__doc__)
    a.add_argument('file')
    a.add_argument('--key')
    for name in ('--checkpoint', '--receipt'): a.add_argument(name, action='append', default=[])
    a = a.parse_args()
    result, why, code = verdict(a.file, a.key, a.checkpoint, a.receipt)
    print(result, why)
    sys.exit(code)
