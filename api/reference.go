package api

func (s *Server) reference() error { return nil }
