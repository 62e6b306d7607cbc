package audit

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// VerifyOptions is what the verifying side brings along.
type VerifyOptions struct {
	Keys        []string // verifier keys it trusts; none gives Unpinned at best
	Checkpoints [][]byte // older checkpoints it has kept: notes, or the two lines of a mail's footer
	Receipts    [][]byte // receipts for replies it has given
}

// Verify checks the bundle without network, database or clock: EV-11 numbers 1
// to 4, 6, 7 and 13, and that no byte of it was altered. The domain's checks (5,
// 8 to 12) go on with the same report. An error means that a key cannot be read
// (exit ExitUnreadable).
func (b *Bundle) Verify(o VerifyOptions) (Report, error) {
	trusted := o.Keys
	if len(trusted) == 0 {
		trusted = []string{b.manifest.Key}
	}
	keys, err := keyring(trusted...)
	if err != nil {
		return Report{}, err
	}
	c := check{Bundle: b, keys: keys, roots: map[int64]Hash{}}
	c.report = Report{Key: strings.TrimSpace(trusted[0]), Pinned: len(o.Keys) > 0}
	c.listing()
	if c.checkpoint(trusted) {
		c.inclusion()
		c.history()
	}
	c.streams()
	for _, old := range o.Checkpoints {
		c.older(old)
	}
	c.commitments()
	for _, r := range o.Receipts {
		c.receipt(r)
	}
	return c.report, nil
}

// check is one verification under way.
type check struct {
	*Bundle
	keys   note.Verifiers
	report Report
	top    Checkpoint     // where all proofs lead
	roots  map[int64]Hash // of the checkpoints that top was proved to continue, and its own
}

// listing checks that the log's key signed the list of files, and the list.
func (c *check) listing() {
	text, _, err := openNote(c.files[signatureName], c.keys)
	if err != nil || text != manifestText(c.files[manifestName]) {
		c.report.Fail(0, "manifest_signature",
			"清单不是由所信任的密钥签名的。请核对公钥，并向出具单位索取原始文件。",
			"the manifest is not signed by the trusted key; check the key and ask the issuing office for the original file")
		return
	}
	bad := false
	for _, name := range slices.Sorted(maps.Keys(c.manifest.Files)) {
		body, found := c.files[name]
		if !found || fileHash(body) != c.manifest.Files[name] {
			bad = true
			c.report.Fail(0, "file_altered",
				"文件 %s 缺失或被改动。请索取原始文件。", "file %s is missing or altered; ask for the original file", name)
		}
	}
	for _, name := range c.Files() {
		if _, listed := c.manifest.Files[name]; !listed && name != manifestName && name != signatureName {
			bad = true
			c.report.Fail(0, "file_unlisted",
				"文件 %s 不在清单内。请索取原始文件。", "file %s is not in the manifest; ask for the original file", name)
		}
	}
	if !bad {
		c.report.Hold(0, "清单所列 %d 个文件完整无改动", "%d files as listed and signed", len(c.manifest.Files))
	}
}

// checkpoint reads the checkpoint that all proofs lead to (EV-11.1).
func (c *check) checkpoint(trusted []string) bool {
	text := c.files[checkpointName(c.manifest.Size)]
	top, err := openCheckpoint(text, c.keys)
	if err != nil || top.Size != c.manifest.Size {
		c.report.Fail(1, "checkpoint_signature",
			"校验点不是由所信任的密钥签名的。请核对公钥，并向出具单位索取原始文件。",
			"the checkpoint is not signed by the trusted key; check the key and ask the issuing office for the original file")
		return false
	}
	for _, key := range trusted {
		if _, err := OpenCheckpoint(text, key); err == nil {
			c.report.Key = strings.TrimSpace(key)
		}
	}
	top.At, _ = time.Parse(instantForm, c.manifest.CheckpointAt)
	c.top, c.report.Checkpoint, c.roots[top.Size] = top, top, top.Root
	c.report.Hold(1, "校验点 %s，共 %d 条，签名有效", "checkpoint of %s, %d leaves, signature good", top.Origin, top.Size)
	return true
}

// inclusion checks that every leaf is in the tree, where it says (EV-11.2).
func (c *check) inclusion() {
	bad := false
	for _, name := range slices.Sorted(maps.Keys(c.broken)) {
		bad = true
		c.report.Fail(2, "leaf_unreadable", "%s 无法读取：%v。请索取原始文件。", "%s cannot be read: %v; ask for the original file", name, c.broken[name])
	}
	leaves, proofs := c.folder("leaves/"), c.folder("proofs/")
	if len(leaves) != len(proofs) || len(c.entries) != len(leaves) {
		bad = true
		c.report.Fail(2, "proof_missing", "记录与证明数目不符。请索取原始文件。", "leaves and proofs do not match in number; ask for the original file")
	}
	for i, e := range c.entries[:min(len(c.entries), len(proofs))] {
		if err := c.included(e, c.files[proofs[i]]); err != nil {
			bad = true
			c.report.Fail(2, "leaf_not_included",
				"第 %d 号记录未被校验点涵盖：%v。该记录不足为凭。", "leaf %d is not covered by the checkpoint: %v; do not rely on it", e.Seq, err)
		}
	}
	if !bad {
		c.report.Hold(2, "%d 条记录均在日志之中", "%d leaves are all in the log", len(c.entries))
	}
}

func (c *check) included(e Entry, text []byte) error {
	p, err := parseInclusion(text)
	if err != nil {
		return err
	}
	if p.index != e.Seq || !bytes.Equal(p.checkpoint, c.top.Note) {
		return errors.New("the proof is for another leaf or checkpoint")
	}
	return tlog.CheckRecord(p.hashes, c.top.Size, c.top.Root, e.Seq, e.Hash)
}

// streams checks that each stream is whole, from its first entry to the number
// the manifest states, each entry chained to the one before (EV-11.3).
func (c *check) streams() {
	ends := map[string]tail{}
	seq, bad := int64(-1), len(c.entries) == 0
	for _, e := range c.entries {
		if err := ends[e.Stream].accepts(e); err != nil || e.Seq <= seq {
			bad = true
			break
		}
		ends[e.Stream], seq = tail{e.StreamSeq, e.Hash}, e.Seq
	}
	for stream, n := range c.manifest.Streams {
		bad = bad || ends[stream].seq != n
	}
	if bad || len(ends) != len(c.manifest.Streams) {
		c.report.Fail(3, "stream_broken",
			"记录流有缺失或次序不符。请索取原始文件。", "a stream has a hole or is out of order; ask for the original file")
		return
	}
	for _, stream := range slices.Sorted(maps.Keys(ends)) {
		c.report.Hold(3, "记录流 %s：1 至 %d 连续", "stream %s: 1 to %d without a hole", stream, ends[stream].seq)
	}
}

// history checks the older checkpoints inside the bundle (EV-11.4).
func (c *check) history() {
	for _, name := range c.folder("checkpoints/") {
		if strings.HasSuffix(name, ".checkpoint") {
			continue
		}
		p, err := parseConsistency(c.files[name])
		var old Checkpoint
		if err == nil {
			old, err = openCheckpoint(p.checkpoint, c.keys)
		}
		if err == nil && old.Size >= c.top.Size {
			err = errors.New("it is not older")
		}
		if err == nil {
			err = tlog.CheckTree(p.hashes, c.top.Size, c.top.Root, old.Size, old.Root)
		}
		if err != nil {
			c.report.Fail(4, "checkpoint_unproved", "%s 不成立：%v。请索取原始文件。", "%s does not hold: %v; ask for the original file", name, err)
			continue
		}
		c.roots[old.Size] = old.Root
	}
	if n := len(c.roots) - 1; n > 0 {
		c.report.Hold(4, "与随附的 %d 个较早校验点一致", "continues the %d older checkpoints enclosed", n)
	}
}

// older holds a checkpoint that the verifying side kept against the bundle.
func (c *check) older(text []byte) {
	old, err := openCheckpoint(fromFooter(text), c.keys)
	if err != nil {
		c.report.Fail(4, "older_signature",
			"所提供的校验点不是由所信任的密钥签名的，无法比对。", "the checkpoint you gave is not signed by the trusted key and cannot be compared")
		return
	}
	c.compare(4, old)
}

// compare holds a checkpoint that the log's key signed against those the bundle
// was proved to continue.
func (c *check) compare(number int, old Checkpoint) {
	root, known := c.roots[old.Size]
	switch {
	case !known:
		c.report.Fail(number, "checkpoint_unproved",
			"证据包未证明其延续校验点 %d。请索取包含该校验点的证据包。",
			"the bundle does not prove that it continues checkpoint %d; ask for one made with that size", old.Size)
	case root != old.Root:
		c.report.Contradict(number, "checkpoint_fork",
			"日志对同一规模 %d 签署了两个不同的根：历史被改写。请保存两份文件并报告监督机关。",
			"the log signed two different roots for size %d: its history was rewritten; keep both files and tell the supervising office", old.Size)
	default:
		c.report.Hold(number, "与校验点 %d 一致", "continues checkpoint %d", old.Size)
	}
}

// commitments checks that a leaf commits to every file that could prove
// anything (EV-11.6 and 7).
func (c *check) commitments() {
	for _, name := range c.Files() {
		if strings.Contains(name, "/") || name == manifestName || name == signatureName || slices.Contains(informative, name) {
			continue
		}
		e, field, found := c.Committed(name)
		if !found {
			c.report.Fail(6, "file_not_committed",
				"没有任何记录载有 %s 的散列，该文件不足为凭。", "no leaf holds the hash of %s; do not rely on that file", name)
			continue
		}
		c.report.Hold(6, "%s 与第 %d 号记录 %s 的 %s 相符", "%s is what leaf %d, %s, commits to in %s", name, e.Seq, e.Type, field)
	}
}

// receipt holds a signed receipt against the leaves (EV-11.13).
func (c *check) receipt(text []byte) {
	r, err := openReceipt(text, c.keys)
	if err != nil {
		c.report.Fail(13, "receipt_signature",
			"回执不是由所信任的密钥签名的，无法比对。", "the receipt is not signed by the trusted key and cannot be compared")
		return
	}
	if _, listed := c.manifest.Streams[r.Stream]; !listed {
		c.report.Fail(13, "receipt_foreign",
			"回执属于 %s，与本证据包无关。请使用相应的证据包。", "the receipt is about %s, not in this bundle; use the bundle that belongs to it", r.Stream)
		return
	}
	if !c.tells(r) {
		c.report.Contradict(13, "receipt_conflict",
			"日志签发了答复 %s 的回执（%s 收到），本证据包却没有该答复。若证据包早于答复，请索取新的；否则请保存两份文件并报告监督机关。",
			"the log signed a receipt for reply %s, received %s, but the bundle does not show it; if the bundle is older than the reply ask for a fresh one, else keep both files and tell the supervising office",
			r.Reply, Instant(r.ReceivedAt))
		return
	}
	c.report.Hold(13, "答复 %s 的回执与第 %d 号记录相符", "the receipt for reply %s agrees with leaf %d", r.Reply, r.Seq)
	if r.Checkpoint.Size > 0 {
		c.compare(13, r.Checkpoint)
	}
}

// tells reports whether an entry of the bundle states just what the receipt does.
func (c *check) tells(r Receipt) bool {
	i := slices.IndexFunc(c.entries, func(e Entry) bool { return e.Seq == r.Seq })
	if i < 0 {
		return false
	}
	told, err := receiptOf(c.entries[i])
	told.Checkpoint = r.Checkpoint
	return err == nil && told.text() == r.text()
}
