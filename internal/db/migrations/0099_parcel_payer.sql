-- DEL-231: who bears what the carrier charges, as it was when the parcel was
-- sealed; '' where nothing is carried, and of parcels sealed before.
ALTER TABLE parcels ADD COLUMN payer {{.ID}} NOT NULL DEFAULT '';
